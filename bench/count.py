"""Counts instead of times: instructions in user space (valgrind) and system
calls (strace) for one offer. They are the same on a busy machine."""

import socket

from bench import load

OFFERS = 1000
TOOLS = {
    "instructions": ["valgrind", "--tool=callgrind", "--callgrind-out-file={out}"],
    "syscalls": ["strace", "-I", "2", "-f", "-c", "-U", "calls,name", "-o", "{out}"],
}


def per_offer(run, names):
    """One after the other through one connection; the difference of a run and
    one twice as long leaves out what start and stop cost."""
    request = load.post("/realtime/webrtc-offer", run.files.token, run.offer.read_bytes())
    rows = {}
    for name in names:
        row = rows[name] = {"offers": OFFERS}
        for kind, command in TOOLS.items():
            short, long = (_total(run, name, kind, command, request, n) for n in (OFFERS, 2 * OFFERS))
            row[kind] = (long - short) / OFFERS
        row["ratio"] = row["instructions"] / rows[names[0]]["instructions"]
    return rows


def _total(run, name, kind, command, request, offers):
    out = run.folder / f"{kind}-{name.split()[0]}-{offers}"
    out.unlink(missing_ok=True)
    gateway = run.gateway(name, under=[word.format(out=out) for word in command])
    try:
        _send(gateway.port, request, offers)
    finally:
        gateway.stop()
    words = out.read_text().split()
    return int(words[words.index("summary:") + 1] if kind == "instructions" else words[-2])


def _send(port, request, offers):
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        for _ in range(offers):
            connection.sendall(request)
            _answer(connection)


def _answer(connection):
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            break
        more = connection.recv(65536)
        if not more:
            raise RuntimeError(f"the gateway closed: {data!r}")
        data += more
    if int(data[9:12]) not in (200, 201):
        raise RuntimeError(f"the gateway answered {data[:200]!r}")
