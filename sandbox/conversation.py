"""One conversation: its items in order, the answer under way, and what a client may ask for."""

import json

from . import ids, session as sessions, words
from .errors import ApiError, invalid_type, invalid_value, missing_parameter
from .response import Response
from .turns import Turns


class Conversation:
    """Knows nothing of WebRTC: it is given a track to speak on, samples to hear and a function
    that takes its events."""

    def __init__(self, session, track, send):
        self.session = session
        self.track = track
        self.send = send
        self.id = ids.new("conv")
        self.items = {}
        self.transcripts = []
        self.turns = Turns(self)
        self.turns.configure(session["audio"]["input"]["turn_detection"])
        self.response = None
        self.voiced = None
        self.has_spoken = False
        self.answers = 0
        self.started = False
        self.last_user = None
        self.handlers = {
            "session.update": self._session_update,
            "conversation.item.create": self._item_create,
            "conversation.item.delete": self._item_delete,
            "conversation.item.retrieve": self._item_retrieve,
            "conversation.item.truncate": self._item_truncate,
            "input_audio_buffer.append": self._audio_append,
            "input_audio_buffer.commit": lambda event: self.turns.commit(),
            "input_audio_buffer.clear": lambda event: self.turns.clear(),
            "output_audio_buffer.clear": lambda event: self._silence(),
            "response.create": self._response_create,
            "response.cancel": self._response_cancel,
        }

    # What the call does with it.

    def start(self):
        """The client can hear events now."""
        if not self.started:
            self.started = True
            self.emit({"type": "session.created", "session": self.session})

    def close(self):
        self.turns.close()
        if self.response:
            self.response.abandon()
        self.track.clear()

    def hear(self, samples, duration_ms):
        if self.started:
            self.turns.hear(samples, duration_ms)

    def receive(self, message):
        """A client's message. Its mistakes are answered with an error event."""
        event_id = None
        try:
            event = self._parse(message)
            event_id = event.get("event_id")
            self.handlers[event["type"]](event)
        except ApiError as error:
            self.emit(error.event(event_id))

    def _parse(self, message):
        try:
            event = json.loads(message)
        except ValueError:
            raise ApiError("The event could not be parsed as JSON.", "invalid_json") from None
        if not isinstance(event, dict):
            raise invalid_type("event", "an object", event)
        if "type" not in event:
            raise missing_parameter("type")
        if not isinstance(event["type"], str) or event["type"] not in self.handlers:
            raise invalid_value("type", event["type"], self.handlers)
        return event

    def emit(self, event):
        self._record(event)
        self.send(event)

    def _record(self, event):
        """Keep what was said, so that a test can compare it with what was stored."""
        kind = event["type"]
        if kind == "conversation.item.input_audio_transcription.completed":
            self.transcripts.append({"role": "user", "item_id": event["item_id"],
                                     "text": event["transcript"]})
        elif kind in ("response.output_audio_transcript.done", "response.output_text.done"):
            self.transcripts.append({"role": "assistant", "item_id": event["item_id"],
                                     "text": event.get("transcript", event.get("text"))})

    # Items.

    def add(self, item, after=None):
        """Put an item at the end, or after the one named; gives the id it follows."""
        if after is None:
            previous = next(reversed(self.items), None)
            self.items[item["id"]] = item
            return previous
        entries = list(self.items.items())
        at = 0 if after == "root" else list(self.items).index(after) + 1
        entries.insert(at, (item["id"], item))
        self.items = dict(entries)
        return None if after == "root" else after

    def previous_of(self, item_id):
        names = list(self.items)
        at = names.index(item_id) if item_id in self.items else 0
        return names[at - 1] if at else None

    def _find(self, event):
        item_id = event.get("item_id")
        if item_id is None:
            raise missing_parameter("item_id")
        if item_id not in self.items:
            raise ApiError(f"Item with item_id '{item_id}' does not exist.",
                           "item_not_found", "item_id")
        return self.items[item_id]

    def _announce(self, item, previous):
        for name in ("conversation.item.added", "conversation.item.done"):
            self.emit({"type": name, "previous_item_id": previous, "item": item})

    def _item_create(self, event):
        given = event.get("item")
        if not isinstance(given, dict):
            raise missing_parameter("item") if given is None else \
                invalid_type("item", "an object", given)
        kinds = ("message", "function_call", "function_call_output")
        if given.get("type") not in kinds:
            raise invalid_value("item.type", given.get("type"), kinds)
        after = event.get("previous_item_id")
        if after not in (None, "root") and after not in self.items:
            raise ApiError(f"Previous item with id '{after}' does not exist.",
                           "item_not_found", "previous_item_id")
        item = {"id": ids.new("item"), "object": "realtime.item", "status": "completed", **given}
        if item["id"] in self.items:
            raise ApiError(f"Item with id '{item['id']}' already exists.",
                           "item_already_exists", "item.id")
        if item["type"] == "message":
            self._check_message(item)
        self._announce(item, self.add(item, after))
        if item.get("role") == "user":
            self.last_user = (item, 0)

    @staticmethod
    def _check_message(item):
        allowed = {"user": ("input_text", "input_audio", "input_image"),
                   "assistant": ("output_text", "output_audio"), "system": ("input_text",)}
        if item.get("role") not in allowed:
            raise invalid_value("item.role", item.get("role"), allowed)
        if not isinstance(item.get("content"), list):
            raise missing_parameter("item.content")
        for index, part in enumerate(item["content"]):
            kind = part.get("type") if isinstance(part, dict) else part
            if kind not in allowed[item["role"]]:
                raise invalid_value(f"item.content[{index}].type", kind, allowed[item["role"]])

    def _item_delete(self, event):
        item = self._find(event)
        del self.items[item["id"]]
        self.emit({"type": "conversation.item.deleted", "item_id": item["id"]})

    def _item_retrieve(self, event):
        self.emit({"type": "conversation.item.retrieved", "item": self._find(event)})

    def _item_truncate(self, event):
        item = self._find(event)
        if item.get("role") != "assistant":
            raise ApiError("Only model output audio messages can be truncated.",
                           "invalid_value", "item_id")
        self._truncated(item, event.get("audio_end_ms", 0))

    def _truncated(self, item, audio_end_ms):
        for part in item["content"]:
            part.pop("transcript", None)
        self.emit({"type": "conversation.item.truncated", "item_id": item["id"],
                   "content_index": 0, "audio_end_ms": audio_end_ms})

    # The caller's turn.

    def user_spoke(self, item, speech_ms):
        previous = self.add(item)
        self.last_user = (item, speech_ms)
        self.emit({"type": "input_audio_buffer.committed", "item_id": item["id"],
                   "previous_item_id": previous})
        self._announce(item, previous)

    def answer_turn(self):
        if self.response is None and self.session["type"] == "realtime":
            self._respond({})

    async def answer_begun(self):
        """Wait for the first words of the answer under way, if there is one."""
        if self.response:
            await self.response.begun.wait()

    def interrupt(self):
        """Somebody speaks over the assistant."""
        if self.response:
            self.response.cancel("turn_detected")
        self._silence()

    def _silence(self):
        """Cut what is still being heard, and the item to what was heard of it."""
        voiced, self.voiced = self.voiced, None
        utterance = self.track.clear()
        if voiced and utterance:
            was_audible = voiced.audible
            voiced.audio_cut()
            if was_audible and voiced.item["id"] in self.items:
                self._truncated(voiced.item, utterance.played_ms)

    # The assistant's turn.

    def _response_create(self, event):
        options = event.get("response") or {}
        sessions.response("response", options)
        if self.response:
            raise ApiError("Conversation already has an active response in progress: "
                           f"{self.response.id}. Wait until the response is finished before "
                           "creating a new one.", "conversation_already_has_active_response")
        self._respond(options)

    def _response_cancel(self, event):
        wanted = event.get("response_id")
        if self.response is None or wanted not in (None, self.response.id):
            raise ApiError("Cancellation failed: no active response found",
                           "response_cancel_not_active")
        self.response.cancel("client_cancelled")

    def _respond(self, options):
        sentence, language, heard_ms = self._compose()
        self._silence()
        self.response = Response(self, sentence, language, options, heard_ms)

    def _compose(self):
        """What to answer: the last thing the user said or wrote."""
        language = self.language()
        if self.last_user is None:
            return words.greeting(language), language, 0
        item, speech_ms = self.last_user
        if speech_ms:
            self.answers += 1
            return words.answer(self.answers, speech_ms, language), language, speech_ms
        text = " ".join(part.get("text", "") for part in item["content"])
        return words.answer_to_text(text, language), language, 0

    def say(self, sentence):
        """Say what the client wants said, over whatever is being said."""
        self.interrupt()
        self.response = Response(self, sentence, self.language(), {}, 0)

    def play(self, response):
        self.has_spoken = True
        self.voiced = response
        self.track.play(response.utterance)

    def response_done(self, response):
        if self.response is response:
            self.response = None

    def audio_over(self, response):
        if self.voiced is response:
            self.voiced = None

    # Small things about the session.

    def language(self):
        settings = self.session["audio"]["input"]["transcription"] or {}
        for code in (settings.get("language"), *(settings.get("languages") or ())):
            if words.supported(code):
                return words.supported(code)
        return words.language_of(self.session["instructions"]) or "en"

    def text_tokens(self):
        return max(1, len(self.session["instructions"]) // 4)

    def emit_rate_limits(self):
        self.emit({"type": "rate_limits.updated", "rate_limits": [
            {"name": "tokens", "limit": 40000, "remaining": 39000, "reset_seconds": 1.5}]})

    def _session_update(self, event):
        if "session" not in event:
            raise missing_parameter("session")
        self.session = sessions.updated(self.session, event["session"], self.has_spoken)
        self.turns.configure(self.session["audio"]["input"]["turn_detection"])
        self.emit({"type": "session.updated", "session": self.session})

    @staticmethod
    def _audio_append(event):
        raise ApiError("Audio of a WebRTC call travels as media: input_audio_buffer.append is "
                       "for WebSocket connections.", "invalid_value", "type")
