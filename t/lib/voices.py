"""Twenty clients that speak and keep what they said until the gateway has it,
as web/src/transcripts/queue.ts does, and the judgement in the end: what was
acknowledged is in the store, once.

Constants are shorter than the queue's, the rules are the same: one request at
a time, batches in order, growing pauses with jitter, Retry-After at least,
the same item_id again.
"""

import asyncio
import collections
import datetime
import json
import os
import random
import time

import tap
from client import Client, Failed

CLIENTS = 20
RATE = 300              # transcripts a second, of all clients

BATCH = 100
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 2.0

SEND_AFTER = 60         # seconds until the last is acknowledged
DRAIN_AFTER = 60        # seconds until the spool is empty

USER = "u-voices"


def now():
    text = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Voice:
    def __init__(self, load, number):
        self.load = load
        self.session = f"{load.name}-{number}"
        self.client = Client(load.gateway.port)
        self.queue = []
        self.said = 0
        self.pause = FIRST_PAUSE
        self.done = False
        self.more = asyncio.Event()

    async def speak(self, seconds):
        begin = time.monotonic()
        total = int(RATE / CLIENTS * seconds)
        for i in range(total):
            await asyncio.sleep(max(begin + i * CLIENTS / RATE - time.monotonic(), 0))
            self.queue.append({"session_id": self.session, "item_id": f"item_{i}", "text": f"turn {i}",
                               "role": "user" if i % 2 else "assistant", "timestamp": now(),
                               "metadata": {"n": i}})
            self.said += 1
            self.more.set()
        self.done = True
        self.more.set()

    async def send(self):
        while True:
            if not self.queue:
                if self.done:
                    break
                self.more.clear()
                await self.more.wait()
                continue
            batch = self.queue[:BATCH]
            wait = await self.send_batch(batch)
            if wait is None:
                del self.queue[:len(batch)]
                self.pause = FIRST_PAUSE
            else:
                await asyncio.sleep(wait)
        self.client.close()

    async def send_batch(self, batch):
        """None where all of it is acknowledged, else how long to wait."""
        try:
            answer = await self.client.request("POST", "/realtime/transcripts", self.load.headers,
                                               json.dumps(batch).encode(), self.again)
        except (Failed, OSError) as e:
            return self.failed(type(e).__name__, 0)
        if answer.status not in (200, 202):
            return self.failed(answer.status, float(answer.headers.get("retry-after", 0)))
        body = json.loads(answer.body)
        if bool(body.get("queued")) != (answer.status == 202) or len(body["ids"]) != len(batch):
            self.load.wrong.append(answer)
        for item, identity in zip(batch, body["ids"]):
            self.load.acknowledged[(item["session_id"], item["item_id"])] = identity
        self.load.answers[answer.status] += 1
        return None

    async def again(self):
        """The connection ended before a byte of the answer came."""
        self.load.answers["closed"] += 1
        return True

    def failed(self, why, after):
        self.load.answers[why] += 1
        wait = max(self.pause * (0.75 + random.random() / 2), after)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        return wait


class Load:
    """What the voices said and were told, to be compared with the store."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.name = os.urandom(3).hex()
        self.headers = {"Authorization": "Bearer " + gateway.token(USER),
                        "Content-Type": "application/json"}
        self.acknowledged = {}      # (session, item): id
        self.answers = collections.Counter()
        self.wrong = []
        self.said = 0

    def run(self, seconds, *faults):
        """Speaks for seconds while the faults, coroutines, happen; returns
        when all is acknowledged and the spool is empty."""
        asyncio.run(self.speak(seconds, faults))

    async def speak(self, seconds, faults):
        begin = time.monotonic()
        voices = [Voice(self, i) for i in range(CLIENTS)]
        senders = asyncio.gather(*(v.send() for v in voices))
        await asyncio.gather(*(v.speak(seconds) for v in voices), *faults)
        spoken = time.monotonic() - begin
        await asyncio.wait_for(senders, SEND_AFTER)
        sent = time.monotonic() - begin
        await asyncio.wait_for(self.drained(), DRAIN_AFTER)
        self.said = sum(v.said for v in voices)
        tap.note(f"{self.said} transcripts in {spoken:.1f} s, acknowledged after {sent:.1f} s, "
                 f"drained after {time.monotonic() - begin:.1f} s; answers: {dict(self.answers)}")

    async def drained(self):
        client = Client(self.gateway.port)
        while True:
            answer = await client.request("GET", "/status", {})
            status = json.loads(answer.body)
            if not status["spool_transcripts"]:
                break
            await asyncio.sleep(0.1)
        client.close()
        self.status = status

    def judge(self, documents, refusals=False):
        """documents: what the store holds."""
        tap.equal(len(self.acknowledged), self.said, "every transcript is acknowledged")
        tap.equal(self.wrong[:3], [], "every answer has an id for each")

        found = collections.Counter((d["session_id"], d["item_id"]) for d in documents)
        twice = [item for item, n in found.items() if n > 1]
        tap.equal(twice[:5], [], "none is in the store twice")

        stored = {(d["session_id"], d["item_id"]): str(d["_id"]) for d in documents}
        lost = {k: v for k, v in self.acknowledged.items() if stored.get(k) != v}
        tap.equal(list(lost.items())[:5], [], "every id acknowledged is in the store")
        extra = set(stored) - set(self.acknowledged)
        tap.equal(list(extra)[:5], [], "and nothing else")
        tap.equal(self.status["dead_letters"], 0, "no dead letters")

        texts = [d for d in documents if d["text"] != f"turn {d['metadata']['n']}"]
        tap.equal(texts[:3], [], "each is what was said")
