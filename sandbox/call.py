"""Calls: each one ties a peer to a conversation, from its creation to its one end."""

import asyncio
import collections
import json
import time

from . import ids
from .conversation import Conversation
from .dialects import Beta, Realtime
from .errors import ApiError
from .hearing import level_db
from .live import Live
from .peer import Peer
from .track import RATE, VoiceTrack

KEPT_ENDED = 5000
DIALECTS = {dialect.name: dialect for dialect in (Realtime, Beta, Live)}


class Call:
    """`end` may be called by anybody and at any time; the first reason given stays."""

    def __init__(self, call_id, dialect, settings, max_duration, book):
        self.id = call_id
        self.book = book
        self.dialect = DIALECTS[dialect](call_id)
        session = self.dialect.new_session(settings, max_duration)
        self.track = VoiceTrack()
        self.peer = Peer(self.track, self)
        self.conversation = Conversation(session, self.track, self.send)
        self.deaf = False
        self.sidebands = set()
        self.events = collections.Counter()
        self.max_duration = max_duration
        self.created_at = time.time()
        self.connected_at = None
        self.ended_at = None
        self.ended_by = None
        self.heard_bytes = 0
        self.heard_ms = 0
        self.loudest_db = None
        self.expiry = None
        self.closing = None

    async def answer(self, offer, dcid):
        try:
            sdp = await self.peer.answer(offer, dcid)
        except BaseException:
            await self.peer.close()
            raise
        self.expiry = asyncio.get_running_loop().call_later(self.max_duration, self._expire)
        return sdp

    def send(self, event):
        """One event of the conversation, to the browser and to those who listen beside it."""
        for spoken in self.dialect.outgoing(event):
            spoken = {**spoken, "event_id": ids.new("event")}
            self.events[spoken["type"]] += 1
            message = json.dumps(spoken)
            if self.dialect.browser_may_read(spoken):
                self.peer.send(message)
            for sideband in self.sidebands:
                sideband.put_nowait(message)

    def receive(self, message, trusted):
        """A client event from the browser or, trusted, from a sideband."""
        self.dialect.receive(self, message, trusted)

    def attach(self):
        """A queue of this call's events for a sideband; None in it says that the call ended."""
        queue = asyncio.Queue()
        for spoken in self.dialect.outgoing({"type": "session.created",
                                             "session": self.conversation.session}):
            queue.put_nowait(json.dumps({**spoken, "event_id": ids.new("event")}))
        self.sidebands.add(queue)
        return queue

    def end(self, reason):
        if self.closing is None:
            self.ended_at = time.time()
            self.ended_by = reason
            self.closing = asyncio.ensure_future(self._close())
        return self.closing

    async def _close(self):
        if self.expiry:
            self.expiry.cancel()
        for event in self.dialect.farewell(self):
            self.send(event)
        self.conversation.close()
        for sideband in self.sidebands:
            sideband.put_nowait(None)
        try:
            await self.peer.close()
        finally:
            self.book.ended(self)

    def _expire(self):
        minutes = round(self.max_duration / 60)
        self.send(ApiError(f"Your session hit the maximum duration of {minutes} minutes.",
                           "session_expired").event())
        self.end("expired")

    # What the peer tells.

    def on_connected(self):
        self.connected_at = self.connected_at or time.time()
        if not self.peer.has_channel:
            self.conversation.start()

    def on_open(self):
        self.conversation.start()

    def on_message(self, message):
        self.receive(message, trusted=False)

    def on_audio(self, samples, duration_ms):
        self.heard_bytes += samples.nbytes
        self.heard_ms += duration_ms
        self.loudest_db = max(level_db(samples), self.loudest_db or -100.0)
        if not self.deaf:
            self.conversation.hear(samples, duration_ms)

    def on_gone(self, why):
        self.end(why)

    def describe(self):
        """What GET /_sandbox/calls tells of it."""
        return {
            "id": self.id, "api": self.dialect.name, "model": self.conversation.session["model"],
            "session": self.conversation.session, "created_at": self.created_at,
            "connected_at": self.connected_at, "ended_at": self.ended_at,
            "ended_by": self.ended_by, "sidebands": len(self.sidebands),
            "heard": {"bytes": self.heard_bytes, "seconds": self.heard_ms / 1000,
                      "loudest_db": self.loudest_db},
            "spoken": {"seconds": self.track.spoken_samples / RATE},
            "events": dict(self.events), "transcripts": list(self.conversation.transcripts),
        }


class CallBook:
    """All calls of this process: the live ones, and a description of those that ended."""

    def __init__(self, max_duration):
        self.max_duration = max_duration
        self.live = {}
        self.past = collections.deque(maxlen=KEPT_ENDED)

    async def create(self, dialect, settings, offer, dcid=None):
        """A new call and the answer to its offer."""
        call_id = ids.live() if dialect == "live" else ids.call()
        call = Call(call_id, dialect, settings, self.max_duration, self)
        answer = await call.answer(offer, dcid)
        self.live[call.id] = call
        return call, answer

    def ended(self, call):
        if self.live.pop(call.id, None):
            self.past.append(call.describe())

    def describe(self):
        return [*self.past, *(call.describe() for call in self.live.values())]

    async def close(self):
        await asyncio.gather(*(call.end("shutdown") for call in list(self.live.values())),
                             return_exceptions=True)
