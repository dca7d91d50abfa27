"""Counts instead of times: instructions in user space (valgrind) and system
calls (strace) for one offer. They are the same on a busy machine."""

import socket

from bench import load, measure

OFFERS = 1000
TOOLS = {
    "instructions": ["valgrind", "--tool=callgrind", "--callgrind-out-file={out}"],
    "syscalls": ["strace", "-I", "2", "-f", "-c", "-U", "calls,name", "-o", "{out}"],
}


def per_offer(run, names):
    """One after the other through one connection; the difference of a run and
    one twice as long leaves out what start and stop cost."""
    body = run.offer.read_bytes()
    one = [load.post(measure.PATH, run.files.token, body)]
    users = [load.post(measure.PATH, run.files.make_token(f"n-{i}"), body) for i in range(2 * OFFERS)]
    rows = {}
    for label, name, requests in [(name, name, one) for name in names] + [(f"{names[1]}, a token never seen",
                                                                           names[1], users)]:
        row = rows[label] = {"offers": OFFERS}
        for kind, command in TOOLS.items():
            short, long = (_total(run, name, kind, command, requests, n) for n in (OFFERS, 2 * OFFERS))
            row[kind] = (long - short) / OFFERS
        row["ratio"] = row["instructions"] / rows[names[0]]["instructions"]
    return rows


def _total(run, name, kind, command, requests, offers):
    out = run.folder / f"{kind}-{name.split()[0]}-{offers}"
    out.unlink(missing_ok=True)
    gateway = run.gateway(name, under=[word.format(out=out) for word in command])
    try:
        _send(gateway.port, requests, offers)
    finally:
        gateway.stop()
    words = out.read_text().split()
    return int(words[words.index("summary:") + 1] if kind == "instructions" else words[-2])


def _send(port, requests, offers):
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        for i in range(offers):
            load.exchange(connection, requests[i % len(requests)])
