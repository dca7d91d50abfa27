"""What the caller hears: a live audio track that plays utterances and is silent in between."""

import asyncio
import collections
import fractions
import time

import numpy
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

RATE = 48000
FRAME = 960
FRAME_MS = 20
LATE = 0.2


class Utterance:
    """Samples of one answer, fed while they are made.

    `on_started` is called when its first sample leaves, `on_stopped` when the last one has."""

    def __init__(self, on_started, on_stopped):
        self.on_started = on_started
        self.on_stopped = on_stopped
        self.chunks = collections.deque()
        self.played = 0
        self.started = False
        self.complete = False

    def feed(self, samples):
        self.chunks.append(samples)

    def finish(self):
        self.complete = True

    @property
    def played_ms(self):
        return self.played * 1000 // RATE

    def take(self, wanted):
        """The next `wanted` samples, padded with silence where fewer are left."""
        parts = []
        missing = wanted
        while missing and self.chunks:
            chunk = self.chunks.popleft()
            if len(chunk) > missing:
                self.chunks.appendleft(chunk[missing:])
                chunk = chunk[:missing]
            parts.append(chunk)
            missing -= len(chunk)
        self.played += wanted - missing
        parts.append(numpy.zeros(missing, numpy.int16))
        return numpy.concatenate(parts)


class VoiceTrack(MediaStreamTrack):
    """One track for the whole call, so that the browser never sees it renegotiated."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.utterance = None
        self.spoken_samples = 0
        self._begun = None
        self._position = 0

    def play(self, utterance):
        self.utterance = utterance

    def clear(self):
        """Fall silent at once. The utterance that was cut, or None."""
        cut, self.utterance = self.utterance, None
        return cut

    def stop(self):
        super().stop()
        self.utterance = None

    async def recv(self):
        await self._wait_for_next_frame()
        if self.readyState != "live":
            raise MediaStreamError
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(self._next_samples().tobytes())
        frame.sample_rate = RATE
        frame.time_base = fractions.Fraction(1, RATE)
        frame.pts = self._position
        self._position += FRAME
        return frame

    async def _wait_for_next_frame(self):
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        due = self._begun + self._position / RATE
        if now - due > LATE:
            # The machine was busy: go on from here instead of rushing after the clock.
            self._begun += now - due
        await asyncio.sleep(max(0, due - now))

    def _next_samples(self):
        utterance = self.utterance
        if utterance is None or not (utterance.chunks or utterance.complete):
            return numpy.zeros(FRAME, numpy.int16)
        if not utterance.started:
            utterance.started = True
            utterance.on_started()
        before = utterance.played
        samples = utterance.take(FRAME)
        self.spoken_samples += utterance.played - before
        if utterance.complete and not utterance.chunks:
            self.utterance = None
            utterance.on_stopped()
        return samples
