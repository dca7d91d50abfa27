"""What the tests share: a running sandbox and a real WebRTC client to talk to it."""

import asyncio
import json
import logging
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import aiohttp
import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from sandbox import ice
from sandbox.track import RATE, Utterance, VoiceTrack

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "sk-sandbox-test-key"
WAIT = 15

# unittest runs its loops in debug mode, which complains of every slow step.
logging.getLogger("asyncio").setLevel(logging.ERROR)


class Process:
    """A sandbox started from its command line, as everybody starts it."""

    def __init__(self, *arguments):
        self.key_file = tempfile.NamedTemporaryFile("w", suffix=".key")
        self.key_file.write(KEY + "\n")
        self.key_file.flush()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", "--key-file", self.key_file.name,
             *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        self.url = json.loads(ready)["url"]

    def stop(self):
        self.process.terminate()
        code = self.process.wait(10)
        self.process.stdout.close()
        self.key_file.close()
        return code


def tone(seconds, level=0.3, pitch=220):
    """Samples that count as speech: a vowel-like buzz."""
    at = numpy.arange(int(seconds * RATE)) / RATE
    wave = sum(numpy.sin(2 * numpy.pi * pitch * harmonic * at) / harmonic
               for harmonic in (1, 2, 3, 5))
    return (wave / numpy.abs(wave).max() * level * 32767).astype(numpy.int16)


class Client:
    """A browser's part: microphone, data channel, and ears that note how loud it is."""

    def __init__(self, channel=True, dcid=None):
        ice.only_loopback_addresses()
        self.connection = RTCPeerConnection()
        self.microphone = VoiceTrack()
        self.connection.addTrack(self.microphone)
        self.events = []
        self.news = asyncio.Condition()
        self.levels = []
        self.ears = None
        self.channel = None
        if dcid is not None:
            self.channel = self.connection.createDataChannel("events", negotiated=True, id=dcid)
        elif channel:
            self.channel = self.connection.createDataChannel("oai-events")
        if self.channel:
            self.channel.on("message", self._message)
        self.connection.on("track", self._track)

    async def offer(self):
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer):
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self):
        await self.connection.close()
        if self.ears:
            self.ears.cancel()

    def send(self, kind, **values):
        self.channel.send(json.dumps({"type": kind, **values}))

    def speak(self, seconds, level=0.3):
        """Speak into the microphone; gives an event that is set at the end."""
        over = asyncio.Event()
        utterance = Utterance(lambda: None, over.set)
        utterance.feed(tone(seconds, level))
        utterance.finish()
        self.microphone.play(utterance)
        return over

    def _message(self, message):
        asyncio.ensure_future(self._note(json.loads(message)))

    async def _note(self, event):
        async with self.news:
            self.events.append(event)
            self.news.notify_all()

    async def event(self, kind, count=1, **wanted):
        """The count-th event of this type (and with these values), waited for."""
        def found():
            return [event for event in self.events if event["type"] == kind
                    and all(event.get(name) == value for name, value in wanted.items())]
        async with self.news:
            try:
                await asyncio.wait_for(
                    self.news.wait_for(lambda: len(found()) >= count), WAIT)
            except asyncio.TimeoutError:
                raise AssertionError(f"no {kind} among {self.kinds()}") from None
        return found()[count - 1]

    def kinds(self):
        return [event["type"] for event in self.events]

    def position(self, kind):
        return self.kinds().index(kind)

    def _track(self, track):
        self.ears = asyncio.ensure_future(self._listen(track))

    async def _listen(self, track):
        try:
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().astype(float)
                self.levels.append(float(numpy.sqrt((samples ** 2).mean())))
        except MediaStreamError:
            self.levels.append(None)

    async def ended(self):
        """Wait until the other side has ended the media."""
        await until(lambda: self.levels and self.levels[-1] is None, "media goes on")


async def until(condition, complaint, timeout=WAIT):
    """Poll for what no event tells."""
    end = time.monotonic() + timeout
    while True:
        outcome = condition()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome:
            return outcome
        if time.monotonic() > end:
            raise AssertionError(complaint)
        await asyncio.sleep(0.02)


class SandboxTest(unittest.IsolatedAsyncioTestCase):
    """One sandbox for the tests of a class, and its HTTP API."""

    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Process(*cls.arguments)

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.stop()

    async def asyncSetUp(self):
        self.http = aiohttp.ClientSession(self.sandbox.url)
        await self.http.delete("/_sandbox/faults")
        await self.http.delete("/_sandbox/requests")
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.close()
        await self.http.close()

    def client(self, **options):
        client = Client(**options)
        self.clients.append(client)
        return client

    async def post(self, path, data=None, key=KEY, **options):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers.update(options.pop("headers", {}))
        return await self.http.post(path, data=data, headers=headers, **options)

    async def post_offer(self, offer, session=None, key=KEY, path="/v1/realtime/calls"):
        """The multipart request a gateway makes."""
        session = json.dumps({"type": "realtime", "model": "gpt-realtime-2.1",
                              **(session or {})})
        body = multipart(("sdp", "application/sdp", offer),
                         ("session", "application/json", session))
        return await self.post(path, body, key, headers=MULTIPART)

    async def call(self, session=None, **options):
        """A client whose call is up, and the call's path."""
        client = self.client(**options)
        reply = await self.post_offer(await client.offer(), session)
        self.assertEqual(reply.status, 201, await reply.text())
        await client.accept(await reply.text())
        await client.event("session.created")
        return client, reply.headers["Location"]

    async def described(self, location):
        """What the sandbox tells of a call."""
        reply = await self.http.get("/_sandbox/calls")
        call_id = location.rsplit("/", 1)[-1]
        return next(call for call in (await reply.json())["calls"] if call["id"] == call_id)

    async def requests(self):
        return (await (await self.http.get("/_sandbox/requests")).json())["requests"]

    async def fault(self, match, **settings):
        reply = await self.http.post("/_sandbox/faults", json={"match": match, **settings})
        self.assertEqual(reply.status, 201, await reply.text())

    async def error(self, reply, status, code):
        """Assert an error of OpenAI's shape; gives it."""
        self.assertEqual(reply.status, status, await reply.text())
        error = (await reply.json())["error"]
        self.assertEqual(set(error), {"message", "type", "code", "param"})
        self.assertEqual(error["code"], code)
        return error


BOUNDARY = "sandbox-test-boundary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def multipart(*parts):
    """A body of (name, content type, text) parts."""
    body = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n{text}\r\n" for name, kind, text in parts)
    return (body + f"--{BOUNDARY}--\r\n").encode()
