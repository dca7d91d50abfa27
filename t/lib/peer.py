#!/usr/bin/python3
"""A realtime API of numbers instead of sound: it answers offers and remembers.

The answer holds the SHA-256 of the offer, so a mixed-up answer shows. What the
peer has to do with it is written in the offer itself, as JSON behind "a=peer:":

  {"delay": 0.3}                 answer later
  {"hold": true}                 answer when POST /peer/release says so
  {"close": "fin"|"rst"}         read the request and close
  {"close": ..., "kept": true}   the same, unless it is the connection's first
  {"last": true}                 answer, and close the connection
  {"hangup": [503, "close", "stall", 404]}   what hang-ups of the call get, in turn

POST /peer/certificate has new connections get the certificate that the file holds now.
GET /peer/log tells what arrived. It is a process of its own, so that it shares no
interpreter with the clients.
"""

import argparse
import asyncio
import collections
import hashlib
import json
import re
import secrets
import socket
import ssl
import struct
import sys
import time

REASONS = {200: "OK", 201: "Created", 401: "Unauthorized", 404: "Not Found"}
INSTRUCTIONS = re.compile(rb"^a=peer:(.*?)\r?$", re.M)
NONCE = re.compile(rb"^a=nonce:(\w+)\r?$", re.M)
HANGUP = re.compile(r"/v1/(?:realtime/calls|live/sessions)/([^/]+)/hangup$")
UNKNOWN_CALL = {"error": {"code": "call_id_not_found", "message": "No session found",
                          "type": "invalid_request_error", "param": ""}}


class Book:
    """All that arrived."""

    def __init__(self, key, load_certificate):
        self.key = key
        self.load_certificate = load_certificate
        self.connections = collections.Counter()    # by the address they came to
        self.bad_keys = 0
        self.unknown = []
        self.offers = collections.Counter()     # by nonce: requests that arrived
        self.calls = {}                         # by call id
        self.held = []                          # futures of answers
        self.hanging = 0                        # connections that hang-ups came by

    def create(self, offer, instructions):
        nonce = NONCE.search(offer)
        nonce = nonce.group(1).decode() if nonce else ""
        call = "rtc_" + secrets.token_hex(12)
        self.offers[nonce] += 1
        self.calls[call] = {"nonce": nonce, "hangups": [], "at": [],
                            "plan": instructions.get("hangup", [])}
        return call

    def release(self):
        for answer in self.held:
            if not answer.done():
                answer.set_result(None)
        self.held.clear()

    def log(self):
        return {"connections": self.connections, "bad_keys": self.bad_keys,
                "unknown": self.unknown, "offers": self.offers, "calls": self.calls,
                "hangup_connections": self.hanging}


def offer_of(headers, body):
    """The offer in a body: multipart, or the SDP itself."""
    kind = headers.get("content-type", "")
    boundary = re.search(r'boundary="?([^";]+)', kind)
    if not boundary:
        return body
    for part in body.split(b"--" + boundary.group(1).encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="sdp"' in head:
            return content[:-2]
    return b""


def answer_to(offer):
    digest = hashlib.sha256(offer).hexdigest()
    return (f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
            f"a=offer:{digest}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n").encode()


class Connection(asyncio.Protocol):
    def __init__(self, book):
        self.book = book
        self.buffer = b""
        self.requests = 0
        self.hangs_up = False
        self.turn = None
        self.transport = None
        self.address = None

    def connection_made(self, transport):
        self.transport = transport
        self.address = transport.get_extra_info("sockname")[0]
        self.book.connections[self.address] += 1

    def connection_lost(self, exc):
        if self.turn:
            self.turn.cancel()

    def data_received(self, data):
        self.buffer += data
        self.next()

    def next(self):
        """One request at a time; the rest of the buffer waits."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or self.turn:
            return
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        size = end + 4 + int(headers.get("content-length", 0))
        if len(self.buffer) < size:
            return
        body, self.buffer = self.buffer[end + 4:size], self.buffer[size:]
        self.requests += 1
        self.request(*first.split(" ")[:2], headers, body)

    def request(self, method, target, headers, body):
        if target == "/peer/log":
            self.reply(200, json.dumps(self.book.log()).encode())
        elif target == "/peer/release":
            self.book.release()
            self.reply(200, b"{}")
        elif target == "/peer/certificate":
            self.book.load_certificate()
            self.reply(200, b"{}")
        elif headers.get("authorization") != f"Bearer {self.book.key}":
            self.book.bad_keys += 1
            self.reply(401, b'{"error":{"message":"Incorrect API key provided"}}')
        elif method == "POST" and target == "/v1/realtime/calls":
            self.offer(offer_of(headers, body))
        elif method == "POST" and HANGUP.match(target):
            self.hangup(HANGUP.match(target).group(1))
        else:
            self.book.unknown.append(f"{method} {target}")
            self.reply(404, b"{}")

    def offer(self, offer):
        found = INSTRUCTIONS.search(offer)
        todo = json.loads(found.group(1)) if found else {}
        call = self.book.create(offer, todo)

        if "close" in todo and (self.requests > 1 or not todo.get("kept")):
            del self.book.calls[call]
            self.close(todo["close"] == "rst")
            return

        more = f"Location: /v1/realtime/calls/{call}\r\n"
        if todo.get("last"):
            more += "Connection: close\r\n"

        def answer():
            self.reply(201, answer_to(offer), "application/sdp", more)

        if todo.get("hold"):
            self.hold(answer)
        else:
            self.later(todo.get("delay", 0), answer)

    def hangup(self, call):
        if call not in self.book.calls:
            self.book.unknown.append(call)
            self.reply(404, json.dumps(UNKNOWN_CALL).encode())
            return

        hangups = self.book.calls[call]["hangups"]
        plan = self.book.calls[call]["plan"]
        what = plan[len(hangups)] if len(hangups) < len(plan) else 200
        hangups.append(time.time())
        self.book.hanging += not self.hangs_up
        self.hangs_up = True
        self.book.calls[call]["at"].append(self.address)

        if what == "close":
            self.close(False)
        elif what != "stall":
            self.reply(what, b"{}")

    def hold(self, what):
        self.turn = asyncio.get_running_loop().create_future()
        self.turn.add_done_callback(lambda turn: turn.cancelled() or self.take_turn(what))
        self.book.held.append(self.turn)

    def later(self, delay, what):
        if delay:
            self.turn = asyncio.get_running_loop().call_later(delay, self.take_turn, what)
        else:
            what()

    def take_turn(self, what):
        self.turn = None
        what()
        self.next()

    def reply(self, status, body, kind="application/json", more=""):
        self.transport.write(
            f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
        if self.buffer and not self.turn:
            asyncio.get_running_loop().call_soon(self.next)

    def close(self, reset):
        if reset:
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key-file", required=True)
    parser.add_argument("--also", metavar="ADDRESS", help="listen there, too, on the same port")
    parser.add_argument("--tls", metavar="FILE", help="PEM with certificate and key")
    args = parser.parse_args()

    tls = None
    if args.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.tls)

    with open(args.key_file, encoding="ascii") as f:
        book = Book(f.read().strip(), lambda: tls.load_cert_chain(args.tls))

    async def listen(address, port):
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(book), address, port, ssl=tls, backlog=1024)
        return server.sockets[0].getsockname()[1]

    port = await listen("127.0.0.1", args.port)
    if args.also:
        await listen(args.also, port)
    print(port, flush=True)

    # the parent's end of stdin closes with the parent
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
