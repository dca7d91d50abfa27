"""Browsers by the hundred: HTTP/1.1 with kept connections, for asyncio."""

import asyncio
import collections
import time

Response = collections.namedtuple("Response", "status headers body")


class Closed(Exception):
    """A kept connection was closed before a byte of the answer came."""


class Failed(Exception):
    """Anything else that is no whole answer."""


class Connection:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.requests = 0
        self.closing = False

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, method, path, headers, body=b""):
        self.requests += 1
        lines = [f"{method} {path} HTTP/1.1", "Host: gateway",
                 *(f"{k}: {v}" for k, v in headers.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def receive(self):
        head = b""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (s.partition(":") for s in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError) as e:
            self.close()
            started = head or getattr(e, "partial", b"")
            if self.requests > 1 and not started:
                raise Closed from e
            raise Failed(f"{e!r} after {len(started)} bytes of an answer") from e
        self.closing = headers.get("connection") == "close"
        return Response(int(first.split(" ")[1]), headers, body)

    def is_open(self):
        return not (self.closing or self.reader.at_eof() or self.writer.is_closing())

    def close(self):
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()


class Client:
    """A pool of kept connections, as a browser or a proxy has one."""

    def __init__(self, port):
        self.port = port
        self.idle = []
        self.opened = 0
        self.reopened = 0       # a request went out as nginx closed its idle connection

    async def request(self, method, path, headers, body=b"", on_closed=None):
        """One exchange. Where a kept connection turns out to be closed, it is
        made again on a new one, if on_closed() (awaited) agrees."""
        connection = self.take() or await self.open()
        try:
            return await self.exchange(connection, method, path, headers, body)
        except Closed as e:
            if on_closed and not await on_closed():
                raise Failed("the request was read and never answered") from e
            self.reopened += 1
            return await self.exchange(await self.open(), method, path, headers, body)

    async def exchange(self, connection, method, path, headers, body):
        connection.send(method, path, headers, body)
        try:
            response = await asyncio.wait_for(connection.receive(), 60)
        except asyncio.TimeoutError:
            connection.abort()
            raise Failed("no answer within 60 s") from None
        except asyncio.CancelledError:
            connection.abort()
            raise
        if connection.is_open():
            self.idle.append(connection)
        else:
            connection.close()
        return response

    async def open(self):
        self.opened += 1
        return await Connection.open(self.port)

    def take(self):
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open():
                return connection
            connection.close()
        return None

    def close(self):
        for connection in self.idle:
            connection.close()
        self.idle.clear()


async def at_rate(rate, seconds, one, stop=None):
    """Starts one(i) rate times a second, whatever the earlier ones do, and
    waits for all of them. Ends earlier where the event stop is set."""
    begin = time.monotonic()
    tasks = []
    for i in range(int(rate * seconds)):
        if stop and stop.is_set():
            break
        delay = begin + i / rate - time.monotonic()
        await asyncio.sleep(max(delay, 0))
        tasks.append(asyncio.create_task(one(i)))
    return await asyncio.gather(*tasks, return_exceptions=True)


async def in_parallel(width, count, one):
    """Runs one(0) to one(count - 1), at most width of them at a time."""
    numbers = iter(range(count))

    async def lane():
        return [await one(i) for i in numbers]

    return sum(await asyncio.gather(*(lane() for _ in range(width))), [])
