"""The measurements. Each returns plain data, for the table and for JSON."""

import asyncio
import ssl
import statistics

from bench import gateways, load

PATH = "/realtime/webrtc-offer"
GATEWAY_CPU, OTHER_CPU = "0", "1"


def summary(values):
    values = sorted(values)

    def at(share):
        return values[min(len(values) - 1, int(share * len(values)))]

    return {"median": statistics.median(values), "p10": at(0.1), "p90": at(0.9), "values": values}


def against(rows, base):
    """Adds to each row its ratios to the base row, round by round."""
    for row in rows.values():
        row["ratio"] = summary([a / b for a, b in zip(row["rounds"], rows[base]["rounds"])])
        row["cpu"] = summary(row["rounds"])
    return rows


def round_cpu(gateway, url, files, body, tokens, **options):
    """CPU seconds of the gateway's processes for one request, and requests a second"""
    before = gateway.cpu()
    result = load.wrk(url, files, body, tokens, cpus=OTHER_CPU, **options)
    return (gateway.cpu() - before) / result["requests"], result["requests"] / result["seconds"]


def offers(run, names, rounds, seconds):
    """CPU an offer, all gateways in turn, the order turned each round"""
    started = {name: run.gateway(name) for name in names}
    rows = {name: {"rounds": [], "rate": []} for name in names}
    for name, gateway in started.items():
        load.wrk(run.url(gateway), run.files, run.offer, run.tokens, seconds=1, cpus=OTHER_CPU)
    for i in range(rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            cpu, rate = round_cpu(started[name], run.url(started[name]), run.files, run.offer, run.tokens,
                                  seconds=seconds)
            rows[name]["rounds"].append(cpu)
            rows[name]["rate"].append(rate)
    for gateway in started.values():
        gateway.stop()
    return against(rows, names[0])


def latency(run, names, rate, seconds):
    """Latency at a fixed rate, in seconds from the moment each offer was due,
    and that of the upstream without a gateway"""
    tls = ssl.create_default_context(cafile=str(run.files / "ca.crt"))
    request = load.post(PATH, run.files.token, run.offer.read_bytes())
    rows = {}
    for name in ("no gateway",) + names:
        if name == "no gateway":
            gateway, context = run.upstream, tls
        else:
            gateway, context = run.gateway(name), None
        asyncio.run(load.open_loop(gateway.port, request, rate, 1, tls=context))
        values = sorted(asyncio.run(load.open_loop(gateway.port, request, rate, seconds, tls=context)))
        rows[name] = {f"p{p}": values[min(len(values) - 1, int(len(values) * p / 100))] for p in (50, 90, 99)}
        rows[name]["max"] = values[-1]
        if gateway is not run.upstream:
            gateway.stop()
    return rows


def memory(run, names, counts, delay):
    """Bytes of the gateway's own memory for each offer that waits upstream"""
    request = load.post(PATH, run.files.token, run.offer.read_bytes())
    slow = run.slow_upstream(delay)
    rows = {}
    for name in names:
        rows[name] = {}
        for count in counts:
            gateway = run.gateway(name, upstream=slow)
            before = gateway.memory()
            held = asyncio.run(load.in_flight(gateway.port, request, count, gateway.memory, 3))
            rows[name][count] = (held - before) / count
            gateway.stop()
    slow.stop()
    return rows


def growth(run, names, seconds):
    """CPU an offer as users and connections grow, once each user has come; 10
    of the connections are busy"""
    request = load.post(PATH, run.files.token, run.offer.read_bytes())
    rows = {}
    for label, tokens, idle, warm_up in (("1 user, 10 connections", 1, 0, 1),
                                         ("100,000 users, 10 connections", 100000, 0, 10),
                                         ("1 user, 5,000 connections", 1, 4990, 1)):
        path = run.files / f"tokens-{tokens}"
        if not path.exists():
            path.write_text("\n".join(run.files.make_token(f"u-{i}") for i in range(tokens)) + "\n")
        rows[label] = {}
        for name in names:
            gateway = run.gateway(name)
            url = run.url(gateway)
            with load.idle(gateway.port, request, idle):
                load.wrk(url, run.files, run.offer, path, seconds=warm_up, connections=10, cpus=OTHER_CPU)
                cpu, rate = round_cpu(gateway, url, run.files, run.offer, path, seconds=seconds, connections=10)
            rows[label][name] = {"cpu": cpu, "rate": rate}
            gateway.stop()
    return rows


def transcript_bodies(run):
    """files of one transcript and of 50 in an array"""
    one = run.files / "one.json"
    one.write_text('{"user_id":"u-1","session_id":"s-1","text":"Bonjour, comment puis-je vous aider ?"}')
    many = run.files / "fifty.json"
    many.write_text("[" + ",".join([one.read_text()] * 50) + "]")
    return one, many


def transcripts(run, stores, seconds):
    """CPU and transcripts a second: one a request, and the same as arrays of 50"""
    one, many = transcript_bodies(run)
    rows = {}
    for label, name, store in stores:
        gateway = run.gateway(name, store)
        bodies = [(one, 1)] + ([(many, 50)] if name == gateways.NAMES[1] else [])
        for body, items in bodies:
            cpu, rate = round_cpu(gateway, run.url(gateway, "/realtime/transcripts"), run.files, body, run.tokens,
                                  content_type="application/json", seconds=seconds)
            rows[f"{label}, {items} a request"] = {"cpu": cpu / items, "rate": rate * items}
        gateway.stop()
    return rows
