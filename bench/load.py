"""Load: closed loop through wrk, open loop through a client of our own."""

import asyncio
import contextlib
import json
import socket
import subprocess
import time


def wrk(url, files, body, tokens, content_type="application/sdp", connections=32, seconds=4, cpus=None):
    """{"requests", "failed", "seconds"} of a closed loop."""
    pin = ["taskset", "-c", cpus] if cpus else []
    args = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", "post.lua", url, "--",
            str(body), str(tokens), content_type]
    out = subprocess.run(pin + args, cwd=__file__.rpartition("/")[0], check=True, capture_output=True, text=True,
                         timeout=seconds + 30).stdout
    result = json.loads(out.splitlines()[-1])
    if result["failed"] or not result["requests"]:
        raise RuntimeError(f"{url}: {result}\n{out}")
    return result


def post(path, token, body, content_type="application/sdp"):
    head = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def exchange(connection, request):
    """One request and its answer on a plain socket"""
    connection.sendall(request)
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


@contextlib.contextmanager
def idle(port, request, count):
    """count connections that have had an answer and stay open"""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            exchange(stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)), request)
        yield


class _Connection(asyncio.Protocol):
    """One kept connection; the answers in the order of the requests."""

    def __init__(self):
        self.waiting = []
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def send(self, request, done):
        self.waiting.append(done)
        self.transport.write(request)

    def data_received(self, data):
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.waiting.pop(0)(int(head[9:12]))

    def connection_lost(self, error):
        for done in self.waiting:
            done(0)


async def open_loop(port, request, rate, seconds, connections=64, tls=None):
    """Latencies in seconds, each from the moment its request was due: a server
    that stalls is charged for all who would have come meanwhile."""
    loop = asyncio.get_running_loop()
    pool = []
    for _ in range(connections):
        server_hostname = "localhost" if tls else None
        pool.append((await loop.create_connection(_Connection, "127.0.0.1", port, ssl=tls,
                                                  server_hostname=server_hostname))[1])
    idle, backlog, latencies, failed = list(pool), [], [], 0
    total = rate * seconds
    finished = loop.create_future()

    def start(connection, due):
        def done(status):
            nonlocal failed
            if status not in (200, 201):
                failed += 1
            latencies.append(time.perf_counter() - due)
            if len(latencies) == total:
                finished.set_result(None)
            elif backlog:
                start(connection, backlog.pop(0))
            else:
                idle.append(connection)
        connection.send(request, done)

    begin = time.perf_counter()
    for i in range(total):
        due = begin + i / rate
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        if idle:
            start(idle.pop(), due)
        else:
            backlog.append(due)
    await asyncio.wait_for(finished, 30)
    for connection in pool:
        connection.transport.close()
    if failed:
        raise RuntimeError(f"{failed} of {total} requests failed")
    return latencies


async def in_flight(port, request, count, measure, hold):
    """Opens count connections, a request on each; calls measure() when all of
    them wait, and checks that all are answered."""
    loop = asyncio.get_running_loop()
    statuses = []
    pool = []
    for _ in range(count):
        pool.append((await loop.create_connection(_Connection, "127.0.0.1", port))[1])
    for i, connection in enumerate(pool):
        connection.send(request, statuses.append)
        if i % 50 == 49:
            await asyncio.sleep(0.05)
    await asyncio.sleep(hold)
    early = len(statuses)
    value = measure()
    deadline = time.monotonic() + 60
    while len(statuses) < count and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    for connection in pool:
        connection.transport.close()
    bad = [s for s in statuses if s not in (200, 201)]
    if early or bad or len(statuses) < count:
        raise RuntimeError(f"in flight: {early} too early, {len(bad)} failed, {count - len(statuses)} unanswered")
    return value
