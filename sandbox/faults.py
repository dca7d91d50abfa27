"""Faults on demand: how a test makes the sandbox misbehave."""

import asyncio
import fnmatch
import json
import socket
import struct

from aiohttp import web

from .errors import ApiError, invalid_type, missing_parameter, unknown_parameter

KNOWN = {"match": str, "method": str, "times": int, "skip": int, "delay": (int, float),
         "status": int, "headers": dict, "body": (str, dict, list), "content_type": str,
         "location": str, "answer": bool, "empty": bool, "hang": bool, "reset": bool,
         "cut": int, "drip": (int, float)}
DRIP_PIECES = 10


class Fault:
    """One fault and how often it is still to happen (`times` 0: until it is removed)."""

    def __init__(self, settings):
        for name, value in settings.items():
            if name not in KNOWN:
                raise unknown_parameter(name)
            kinds = KNOWN[name]
            is_flag = isinstance(value, bool)
            if not isinstance(value, kinds) or (is_flag and kinds is not bool):
                raise invalid_type(name, "another type", value)
        if "match" not in settings:
            raise missing_parameter("match")
        self.settings = settings
        self.times = settings.get("times", 1)
        self.skip = settings.get("skip", 0)
        self.happened = 0

    def __getattr__(self, name):
        if name not in KNOWN:
            raise AttributeError(name)
        return self.settings.get(name)

    @property
    def spent(self):
        return self.times and self.happened >= self.times

    def fits(self, request):
        wanted = self.settings.get("method", request.method)
        return (not self.spent and wanted == request.method
                and fnmatch.fnmatchcase(request.path, self.match))

    @property
    def replaces_answer(self):
        """Whether the request is not handled at all."""
        if self.answer:
            return False
        return bool(self.empty or self.body is not None or self.status is not None)

    def made_up(self):
        """The answer in place of the real one."""
        status = self.status or 200
        if self.empty:
            return web.Response(status=status, body=b"")
        body = self.body
        if body is None:
            body = ApiError("The server had an error while processing your request. Sorry about "
                            "that!", "server_error", type="server_error").body()
        text = body if isinstance(body, str) else json.dumps(body)
        default = "application/sdp" if text.startswith("v=0") else "application/json"
        return web.Response(status=status, body=text.encode(),
                            headers={"Content-Type": self.content_type or default})

    def change(self, response):
        """Bend an answer, real or made up."""
        if self.answer and self.status:
            response.set_status(self.status)
        if self.location is not None:
            response.headers["Location"] = self.location
        response.headers.update(self.headers or {})


class Faults:
    """The faults that wait for their request, in the order they were asked for."""

    def __init__(self, stopping):
        self.stopping = stopping
        self.waiting = []

    def add(self, settings):
        fault = Fault(settings)
        self.waiting.append(fault)
        return fault

    def clear(self):
        self.waiting.clear()

    def describe(self):
        return [{**fault.settings, "happened": fault.happened} for fault in self.waiting]

    def take(self, request):
        """The fault that is to happen to this request, or None."""
        for fault in self.waiting:
            if fault.fits(request):
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.happened += 1
                if fault.spent:
                    self.waiting.remove(fault)
                return fault
        return None

    async def happen(self, fault, request, handle):
        """Answer a request under a fault. `handle()` gives the real answer."""
        if fault.delay:
            await self._pause(fault.delay)
        if fault.hang:
            await self._hang(request)
        if fault.hang or fault.reset:
            reset(request)
            return web.Response()
        response = fault.made_up() if fault.replaces_answer else await handle()
        fault.change(response)
        if fault.cut is not None or fault.drip:
            return await self._send_slowly(fault, request, response)
        return response

    async def _pause(self, seconds):
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return

    async def _hang(self, request):
        """Say nothing until the other side has had enough."""
        while request.transport is not None and not self.stopping.is_set():
            await self._pause(0.1)

    async def _send_slowly(self, fault, request, response):
        body = response.body or b""
        stream = web.StreamResponse(status=response.status, headers=response.headers)
        stream.content_length = len(body)
        await stream.prepare(request)
        if fault.cut is not None:
            await stream.write(body[:fault.cut])
            request.transport.close()
            return stream
        size = max(1, -(-len(body) // DRIP_PIECES))
        for at in range(0, len(body), size):
            await self._pause(fault.drip / DRIP_PIECES)
            await stream.write(body[at:at + size])
        return stream


def reset(request):
    """Drop the connection with a TCP reset instead of an answer."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
