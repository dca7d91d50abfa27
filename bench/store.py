"""The stores: how much of a raw bulk insert the module keeps, and what a page
of a history costs among a million transcripts."""

import json
import sqlite3
import statistics
import subprocess
import time
import urllib.request

from bench import gateways, load, measure

RAW_BATCH = 500     # about what a batch of the module takes of arrays of 50
TEXT = "Bonjour, comment puis-je vous aider ?"
COLUMNS = ("id", "user_id", "session_id", "role", "text", "timestamp", "created_at", "seq", "source")


def build_raw(run):
    """bench/raw.c as a program"""
    driver = "mongoc2" if subprocess.run(["pkg-config", "--exists", "mongoc2"], check=False).returncode == 0 \
        else "libmongoc-1.0"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", driver, "sqlite3"], capture_output=True, text=True,
                           check=True).stdout.split()
    program = run.folder / "raw"
    subprocess.run(["gcc", "-O2", "-Wall", "-o", program, gateways.HERE.parent / "raw.c", *flags, "-pthread"],
                   check=True)
    return program


def raw(program, uri, seconds):
    """documents a second of the driver alone, with the threads that suit the store: SQLite writes one at a time"""
    threads = "1" if uri.startswith("sqlite:") else "3"
    out = subprocess.run([program, uri, str(seconds), threads, str(RAW_BATCH)], capture_output=True, text=True,
                         check=True, timeout=seconds + 60).stdout
    count, spent = out.split()
    return int(count) / float(spent)


def throughput(run, stores, rounds, seconds):
    """transcripts a second through the module beside the driver alone, in turns on the same store; each may use the
    whole machine, and the client of the module is on it, too"""
    program = build_raw(run)
    one, many = measure.transcript_bodies(run)
    rows = {}
    for label, uri in stores:
        gateway = run.gateway(gateways.NAMES[1], uri, cpus=None)
        url = run.url(gateway, "/realtime/transcripts")
        bodies = (("arrays of 50", many, 50, 128), ("one a request", one, 1, 256))
        rates = {name: [] for name, *_ in bodies} | {"the driver alone": []}
        for i in range(rounds + 1):
            for name, body, items, connections in bodies:
                result = load.wrk(url, run.files, body, run.tokens, "application/json", connections, seconds)
                rates[name].append(result["requests"] * items / result["seconds"])
            rates["the driver alone"].append(raw(program, uri, seconds))
        gateway.stop()
        for name, values in rates.items():
            values = values[1:]         # the first round warms up
            base = rates["the driver alone"][1:]
            rows[f"{label}, {name}"] = {"rate": statistics.median(values), "rounds": values,
                                        "ratio": statistics.median(a / b for a, b in zip(values, base))}
    return rows


def turns(total):
    """COLUMNS of so many: 1,000 users, sessions of 50 turns; one user has 20,000 of a million in one session"""
    start = 1767225600000
    for i in range(total):
        if i % 50 == 0:
            user, session = "u-1", "long"
        else:
            user, session = f"u-{i % 1000}", f"s-{i // 50000}"
        when = start + i * 1000
        role = ("user", "assistant")[i % 2]
        yield i.to_bytes(12, "big"), user, session, role, TEXT, when, when, when * 1000, "client"


def fill(path, total):
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous=OFF")
    with database:
        database.executemany(f"INSERT INTO transcripts ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             turns(total))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def get(run, gateway, query):
    """(the page, seconds of server time)"""
    request = urllib.request.Request(run.url(gateway, "/realtime/transcripts" + query),
                                     headers={"Authorization": "Bearer " + run.files.token})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply), float(reply.headers["X-Time"])


def history(run, total):
    """seconds of server time ($request_time) for pages out of a file of so many transcripts"""
    path = run.folder / "history.db"
    gateway = run.gateway(gateways.NAMES[1], f"sqlite:{path}")
    get(run, gateway, "")               # the module makes the file
    begin = time.monotonic()
    fill(path, total)
    filled = time.monotonic() - begin
    rows = {}
    for label, query in (("first page of a session, oldest first", "?session_id=long"),
                         ("first page of a session, newest first", "?session_id=long&order=desc"),
                         ("200 of it", "?session_id=long&limit=200"),
                         ("first page of all of a user", "?limit=50"),
                         ("sessions of a user", "/sessions")):
        times = []
        for _ in range(50):
            page, spent = get(run, gateway, query)
            times.append(spent)
            if not (page.get("transcripts") or page.get("sessions")):
                raise RuntimeError(f"{query}: an empty page")
        rows[label] = {"median": statistics.median(times), "max": max(times)}
    gateway.stop()
    size = path.stat().st_size
    path.unlink()
    return {"total": total, "bytes": size, "filled": filled, "pages": rows}
