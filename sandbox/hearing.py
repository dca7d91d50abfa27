"""Speech detection by energy: when somebody starts to speak and when they have stopped."""

import math

SILENCE_DB = -70.0
FLOOR_RISE_PER_FRAME = 0.02
ABOVE_FLOOR_DB = 9.0
FRAMES_TO_START = 4
EAGERNESS_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 350}


def level_db(samples):
    """Level of 16-bit samples (a numpy array) in dB below full scale."""
    if not len(samples):
        return SILENCE_DB
    values = samples.astype("float64")
    power = float((values * values).mean()) / (32768.0 * 32768.0)
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB


class SpeechDetector:
    """Fed with levels frame by frame; calls `on_started(start_ms)` and `on_stopped(end_ms)`.

    A frame is speech when it is above both a fixed level (set by `turn_detection.threshold`) and
    the background noise, whose level is tracked: it falls at once and rises one dB a second."""

    def __init__(self, on_started, on_stopped):
        self.on_started = on_started
        self.on_stopped = on_stopped
        self.position_ms = 0
        self.speaking = False
        self.first_loud_ms = 0
        self.last_loud_ms = 0
        self.configure({"type": "server_vad"})
        self._floor = SILENCE_DB
        self._loud_frames = 0

    def configure(self, turn_detection):
        """Take a session's `turn_detection`; None means that turns are made by the client."""
        settings = turn_detection or {}
        self.enabled = turn_detection is not None
        self.threshold_db = -55 + 30 * settings.get("threshold", 0.5)
        self.prefix_ms = settings.get("prefix_padding_ms", 300)
        if settings.get("type") == "semantic_vad":
            self.silence_ms = EAGERNESS_MS[settings.get("eagerness", "auto")]
        else:
            self.silence_ms = settings.get("silence_duration_ms", 500)
        if not self.enabled:
            self.speaking = False

    @property
    def speech_ms(self):
        """How long the last utterance lasted, without the silence that ended it."""
        return self.last_loud_ms - self.first_loud_ms

    def feed(self, level, duration_ms):
        begin_ms = self.position_ms
        self.position_ms += duration_ms
        loud = level > max(self.threshold_db, self._floor + ABOVE_FLOOR_DB)
        if level < self._floor:
            self._floor += 0.2 * (level - self._floor)
        else:
            self._floor = min(level, self._floor + FLOOR_RISE_PER_FRAME)
        if not self.enabled:
            return
        if self.speaking:
            self._go_on(loud)
        else:
            self._listen(loud, begin_ms)

    def _listen(self, loud, begin_ms):
        if not loud:
            self._loud_frames = max(0, self._loud_frames - 1)
            return
        if self._loud_frames == 0:
            self.first_loud_ms = begin_ms
        self._loud_frames += 1
        self.last_loud_ms = self.position_ms
        if self._loud_frames >= FRAMES_TO_START:
            self.speaking = True
            self.on_started(max(0, self.first_loud_ms - self.prefix_ms))

    def _go_on(self, loud):
        if loud:
            self.last_loud_ms = self.position_ms
        elif self.position_ms - self.last_loud_ms >= self.silence_ms:
            self.speaking = False
            self._loud_frames = 0
            self.on_stopped(self.position_ms)
