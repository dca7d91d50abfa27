"""The caller's turns: speech heard, committed as an item, and written down later."""

import asyncio

from . import ids, words
from .errors import ApiError
from .hearing import SpeechDetector, level_db

TRANSCRIPTION_DELAY = 0.1
DELTA_PAUSE = 0.03
SHORTEST_COMMIT_MS = 100


class Turns:
    """Owned by its conversation, which it tells of every turn that ends."""

    def __init__(self, conversation):
        self.conversation = conversation
        self.detector = SpeechDetector(self._speech_started, self._speech_stopped)
        self.count = 0
        self.item_id = None
        self.buffer_from_ms = 0
        self.tasks = set()

    def configure(self, turn_detection):
        self.detector.configure(turn_detection)

    def hear(self, samples, duration_ms):
        self.detector.feed(level_db(samples), duration_ms)

    def close(self):
        for task in self.tasks:
            task.cancel()

    def _detection(self):
        return self.conversation.session["audio"]["input"]["turn_detection"] or {}

    def _speech_started(self, start_ms):
        self.item_id = ids.new("item")
        self.conversation.emit({"type": "input_audio_buffer.speech_started",
                                "audio_start_ms": start_ms, "item_id": self.item_id})
        if self._detection().get("interrupt_response", True):
            self.conversation.interrupt()

    def _speech_stopped(self, end_ms):
        self.conversation.emit({"type": "input_audio_buffer.speech_stopped",
                                "audio_end_ms": end_ms, "item_id": self.item_id})
        self._commit(self.item_id, self.detector.speech_ms)
        if self._detection().get("create_response", True):
            self.conversation.answer_turn()

    def commit(self):
        """The client ends its turn itself (input_audio_buffer.commit)."""
        buffered = self.detector.position_ms - self.buffer_from_ms
        if buffered < SHORTEST_COMMIT_MS:
            raise ApiError("Error committing input audio buffer: buffer too small. Expected at "
                           f"least 100ms of audio, but buffer only has {buffered:.2f}ms of audio.",
                           "input_audio_buffer_commit_empty")
        self.detector.speaking = False
        self._commit(self.item_id or ids.new("item"), buffered)

    def clear(self):
        self.item_id = None
        self.detector.speaking = False
        self.buffer_from_ms = self.detector.position_ms
        self.conversation.emit({"type": "input_audio_buffer.cleared"})

    def _commit(self, item_id, speech_ms):
        self.count += 1
        self.item_id = None
        self.buffer_from_ms = self.detector.position_ms
        item = {"id": item_id, "object": "realtime.item", "type": "message",
                "status": "completed", "role": "user",
                "content": [{"type": "input_audio", "transcript": None}]}
        self.conversation.user_spoke(item, speech_ms)
        settings = self.conversation.session["audio"]["input"]["transcription"]
        if settings is not None:
            text = words.heard(self.count, speech_ms, self.conversation.language())
            self._start(self._transcribe(item, text, speech_ms, settings))

    def _start(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _transcribe(self, item, text, speech_ms, settings):
        # From the real service, too, this often comes when the answer has begun.
        await self.conversation.answer_begun()
        await asyncio.sleep(TRANSCRIPTION_DELAY)
        name = "conversation.item.input_audio_transcription."
        where = {"item_id": item["id"], "content_index": 0}
        for piece in words.pieces(text):
            self.conversation.emit({"type": name + "delta", **where, "delta": piece})
            await asyncio.sleep(DELTA_PAUSE)
        item["content"][0]["transcript"] = text
        self.conversation.emit({"type": name + "completed", **where, "transcript": text,
                                "usage": self._usage(text, speech_ms, settings)})

    @staticmethod
    def _usage(text, speech_ms, settings):
        if settings.get("model") == "whisper-1":
            return {"type": "duration", "seconds": max(1, round(speech_ms / 1000))}
        heard = max(1, speech_ms // 100)
        written = max(1, len(text) // 4)
        return {"type": "tokens", "total_tokens": heard + written, "input_tokens": heard,
                "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
                "output_tokens": written}
