"""One answer of the assistant: its words, its voice and its events, from created to done."""

import asyncio

from . import ids, voice, words
from .track import RATE, Utterance

THINKING = 0.2
# Words are made faster than they are spoken, as they are by the real service.
AHEAD = 0.4
TEXT_DELTA = 0.04
AUDIO_TOKENS_PER_SECOND = 20


class Response:
    """Owned by its conversation, which keeps it until its voice has fallen silent."""

    def __init__(self, conversation, sentence, language, options, heard_ms):
        self.conversation = conversation
        self.sentence = sentence
        self.language = language
        self.options = options
        self.heard_ms = heard_ms
        self.id = ids.new("resp")
        self.in_conversation = options.get("conversation", "auto") == "auto"
        self.modality = (options.get("output_modalities")
                         or conversation.session["output_modalities"])[0]
        self.status = "in_progress"
        self.status_details = None
        self.said = ""
        self.usage = None
        self.item = {"id": ids.new("item"), "object": "realtime.item", "type": "message",
                     "status": "in_progress", "role": "assistant", "content": []}
        self.announced = False
        self.begun = asyncio.Event()
        self.audible = False
        self.utterance = Utterance(self._audio_started, self._audio_stopped)
        self.task = asyncio.ensure_future(self._run())

    @property
    def active(self):
        return self.status == "in_progress"

    async def _run(self):
        self._emit("response.created", response=self.describe())
        self.conversation.emit_rate_limits()
        await asyncio.sleep(THINKING)
        if self.modality == "audio":
            output = {**self.conversation.session["audio"]["output"],
                      **self.options.get("audio", {}).get("output", {})}
            name = output["voice"] if isinstance(output["voice"], str) else ""
            spoken = await asyncio.get_running_loop().run_in_executor(
                None, voice.speak, self.sentence, name, self.language, output["speed"])
            self._announce()
            await self._speak(spoken)
        else:
            self._announce()
            await self._write()
        self._complete("completed")

    def _announce(self):
        """Tell of the item and its one part."""
        self.announced = True
        previous = None
        if self.in_conversation:
            previous = self.conversation.add(self.item)
        self._emit("response.output_item.added", output_index=0, item=self._item())
        if self.in_conversation:
            self._emit_item("conversation.item.added", previous)
        self.item["content"] = [self._part()]
        self._emit_part("response.content_part.added", part=self._event_part())

    async def _speak(self, spoken):
        self.conversation.play(self)
        for piece, samples in spoken:
            self._say(piece, "response.output_audio_transcript.delta")
            self.utterance.feed(samples)
            await asyncio.sleep(len(samples) / RATE * AHEAD)
        self.utterance.finish()

    async def _write(self):
        for piece in words.pieces(self.sentence):
            self._say(piece, "response.output_text.delta")
            await asyncio.sleep(TEXT_DELTA)

    def _say(self, piece, event):
        self.begun.set()
        self.said += piece
        self.item["content"] = [self._part()]
        self._emit_part(event, delta=piece)

    def cancel(self, reason):
        """Stop making the answer. What was made already may go on being heard."""
        if not self.active:
            return
        self.task.cancel()
        self.utterance.finish()
        self._complete("cancelled", {"type": "cancelled", "reason": reason})

    def abandon(self):
        """The call is over: stop without a word."""
        self.task.cancel()
        self.status = "cancelled"

    def _complete(self, status, details=None):
        self.status = status
        self.begun.set()
        self.status_details = details
        self.item["status"] = "completed" if status == "completed" else "incomplete"
        self._count_usage()
        if self.announced:
            if self.modality == "audio":
                self._emit_part("response.output_audio.done")
                self._emit_part("response.output_audio_transcript.done", transcript=self.said)
            else:
                self._emit_part("response.output_text.done", text=self.said)
            self._emit_part("response.content_part.done", part=self._event_part())
            self._emit("response.output_item.done", output_index=0, item=self._item())
            if self.in_conversation:
                self._emit_item("conversation.item.done",
                                self.conversation.previous_of(self.item["id"]))
        self._emit("response.done", response=self.describe())
        self.conversation.response_done(self)

    def _audio_started(self):
        self.audible = True
        self._emit("output_audio_buffer.started")

    def _audio_stopped(self):
        self.audible = False
        self._emit("output_audio_buffer.stopped")
        self.conversation.audio_over(self)

    def audio_cut(self):
        """The utterance was taken from the track before its end."""
        if self.audible:
            self.audible = False
            self._emit("output_audio_buffer.cleared")

    def forget_words(self):
        """A truncated item has no transcript any more on the server."""
        for part in self.item["content"]:
            part.pop("transcript", None)

    def describe(self):
        output = [self._item()] if self.announced and not self.active else []
        audio = self.conversation.session["audio"]["output"]
        return {"id": self.id, "object": "realtime.response", "status": self.status,
                "status_details": self.status_details, "output": output,
                "conversation_id": self.conversation.id if self.in_conversation else None,
                "output_modalities": [self.modality],
                "audio": {"output": {"format": audio["format"], "voice": audio["voice"]}},
                "max_output_tokens": self.conversation.session["max_output_tokens"],
                "metadata": self.options.get("metadata"), "usage": self.usage}

    def _count_usage(self):
        heard = self.heard_ms // 100
        read = self.conversation.text_tokens()
        written = max(1, len(self.said) // 4) if self.said else 0
        seconds = sum(map(len, self.utterance.chunks)) + self.utterance.played
        spoken = seconds * AUDIO_TOKENS_PER_SECOND // RATE
        self.usage = {
            "total_tokens": heard + read + written + spoken,
            "input_tokens": heard + read, "output_tokens": written + spoken,
            "input_token_details": {
                "text_tokens": read, "audio_tokens": heard, "image_tokens": 0, "cached_tokens": 0,
                "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0,
                                          "image_tokens": 0}},
            "output_token_details": {"text_tokens": written, "audio_tokens": spoken}}

    def _part(self):
        if self.modality == "audio":
            return {"type": "output_audio", "transcript": self.said}
        return {"type": "output_text", "text": self.said}

    def _event_part(self):
        if self.modality == "audio":
            return {"type": "audio", "transcript": self.said}
        return {"type": "text", "text": self.said}

    def _item(self):
        return {**self.item, "content": [dict(part) for part in self.item["content"]]}

    def _emit(self, name, **values):
        if name not in ("response.created", "response.done"):
            values["response_id"] = self.id
        self.conversation.emit({"type": name, **values})

    def _emit_part(self, name, **values):
        self._emit(name, item_id=self.item["id"], output_index=0, content_index=0, **values)

    def _emit_item(self, name, previous):
        self.conversation.emit({"type": name, "previous_item_id": previous,
                                "item": self._item()})
