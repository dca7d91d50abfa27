"""The dialects of the data channel. The conversation speaks today's Realtime API; a dialect turns
its events into what a client of another API expects, and that client's messages into today's."""

import json

from . import session as sessions
from .errors import ApiError, unknown_parameter


class Realtime:
    """Today's API: nothing to translate."""

    name = "realtime"

    def __init__(self, call_id):
        self.call_id = call_id

    def new_session(self, settings, max_duration):
        """The conversation's session, from what the call was created with."""
        return sessions.new(settings, max_duration)

    def outgoing(self, event):
        """What the client is told instead of one event of the conversation."""
        return [event]

    def receive(self, call, message, trusted):
        """A client's message, from the browser or (trusted) from a sideband."""
        call.conversation.receive(message)

    def browser_may_read(self, event):
        return True

    def farewell(self, call):
        """Events that end a call."""
        return []


class Beta(Realtime):
    """The API before May 2026: a flat session and other names for some events."""

    name = "beta"

    MODEL = "gpt-4o-mini-realtime-preview"
    EVENTS = {"response.output_audio_transcript.delta": "response.audio_transcript.delta",
              "response.output_audio_transcript.done": "response.audio_transcript.done",
              "response.output_text.delta": "response.text.delta",
              "response.output_text.done": "response.text.done",
              "response.output_audio.done": "response.audio.done",
              "conversation.item.added": "conversation.item.created"}
    PARTS = {"output_audio": "audio", "output_text": "text"}
    PLAIN = ("instructions", "tools", "tool_choice", "tracing", "include")
    NESTED = (("voice", "output", "voice"), ("speed", "output", "speed"),
              ("input_audio_transcription", "input", "transcription"),
              ("input_audio_noise_reduction", "input", "noise_reduction"),
              ("turn_detection", "input", "turn_detection"))
    RENAMED = {"max_response_output_tokens": "max_output_tokens"}
    UNUSED = ("temperature", "input_audio_format", "output_audio_format")

    def new_session(self, settings, max_duration):
        session = sessions.new({"type": "realtime"}, max_duration)
        return {**session, "model": settings.get("model", self.MODEL)}

    def outgoing(self, event):
        if event["type"] == "conversation.item.done":
            return []
        event = {**event, "type": self.EVENTS.get(event["type"], event["type"])}
        if "session" in event:
            event["session"] = self._flat(event["session"])
        if "item" in event:
            event["item"] = self._renamed_parts(event["item"])
        if "response" in event:
            event["response"] = self._response(event["response"])
        return [event]

    def receive(self, call, message, trusted):
        """Give a session today's form. What is no session update, or no event at all, is left
        to the conversation to judge."""
        try:
            event = json.loads(message)
            session = event["session"] if event["type"] == "session.update" else None
        except (ValueError, LookupError, TypeError):
            session = None
        if isinstance(session, dict):
            try:
                message = json.dumps({**event, "session": self._nested(session)})
            except ApiError as error:
                call.send(error.event(event.get("event_id")))
                return
        call.conversation.receive(message)

    def _response(self, response):
        response = dict(response)
        response["output"] = [self._renamed_parts(item) for item in response["output"]]
        response["modalities"] = self._modalities(response.pop("output_modalities"))
        response["voice"] = response.pop("audio")["output"]["voice"]
        return response

    def _renamed_parts(self, item):
        content = [{**part, "type": self.PARTS.get(part["type"], part["type"])}
                   for part in item.get("content", ())]
        return {**item, "content": content}

    @staticmethod
    def _modalities(modalities):
        return ["text"] if modalities == ["text"] else ["audio", "text"]

    def _flat(self, session):
        audio = session["audio"]
        return {"id": session["id"], "object": session["object"], "model": session["model"],
                "expires_at": session["expires_at"],
                **{name: session[name] for name in self.PLAIN},
                **{old: audio[side][new] for old, side, new in self.NESTED},
                "modalities": self._modalities(session["output_modalities"]),
                "input_audio_format": "pcm16", "output_audio_format": "pcm16",
                "temperature": 0.8, "max_response_output_tokens": session["max_output_tokens"]}

    def _nested(self, flat):
        """A flat session in today's form."""
        flat = {name: value for name, value in flat.items() if name not in self.UNUSED}
        nested = {"type": "realtime", "audio": {"input": {}, "output": {}}}
        for old, side, new in self.NESTED:
            if old in flat:
                nested["audio"][side][new] = flat.pop(old)
        for old, new in self.RENAMED.items():
            if old in flat:
                nested[new] = flat.pop(old)
        if "modalities" in flat:
            nested["output_modalities"] = \
                ["text"] if flat.pop("modalities") == ["text"] else ["audio"]
        for name in flat:
            if name not in self.PLAIN:
                raise unknown_parameter(f"session.{name}")
        return {**flat, **nested}
