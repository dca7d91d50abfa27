"""The three dialects of the data channel: today's Realtime API, the old beta, and GPT-Live.

The conversation speaks today's. A dialect turns its events into what a client of that API
expects and the client's messages into today's, and knows the session the API begins with."""

import json

from . import session as sessions


class Realtime:
    """Today's API: nothing to translate."""

    name = "realtime"

    def __init__(self, call_id):
        self.call_id = call_id

    def new_session(self, settings, max_duration):
        return sessions.new(settings, max_duration)

    def outgoing(self, event):
        return [event]

    def incoming(self, message, trusted):
        return message

    def browser_may_read(self, event):
        return True

    def farewell(self, seconds):
        """Events that end a call."""
        return []


class Beta(Realtime):
    """The API before May 2026: a flat session and other names for some events."""

    name = "beta"

    EVENTS = {"response.output_audio_transcript.delta": "response.audio_transcript.delta",
              "response.output_audio_transcript.done": "response.audio_transcript.done",
              "response.output_text.delta": "response.text.delta",
              "response.output_text.done": "response.text.done",
              "response.output_audio.done": "response.audio.done",
              "conversation.item.added": "conversation.item.created"}
    PARTS = {"output_audio": "audio", "output_text": "text"}
    PLAIN = ("instructions", "tools", "tool_choice", "tracing", "include")

    def new_session(self, settings, max_duration):
        model = settings.get("model")
        session = sessions.new({"type": "realtime"}, max_duration)
        return {**session, "model": model or "gpt-4o-mini-realtime-preview"}

    def outgoing(self, event):
        if event["type"] == "conversation.item.done":
            return []
        event = {**event, "type": self.EVENTS.get(event["type"], event["type"])}
        if "session" in event:
            event["session"] = self._flat(event["session"])
        if "item" in event:
            event["item"] = self._item(event["item"])
        if "response" in event:
            response = dict(event["response"])
            response["output"] = [self._item(item) for item in response["output"]]
            response["modalities"] = self._modalities(response.pop("output_modalities"))
            response["voice"] = response.pop("audio")["output"]["voice"]
            event["response"] = response
        return [event]

    def incoming(self, message, trusted):
        try:
            event = json.loads(message)
            given = event["session"] if event["type"] == "session.update" else None
        except (ValueError, KeyError, TypeError):
            return message
        if not isinstance(given, dict):
            return message
        return json.dumps({**event, "session": self._nested(given)})

    def _item(self, item):
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
                "modalities": self._modalities(session["output_modalities"]),
                "voice": audio["output"]["voice"], "speed": audio["output"]["speed"],
                "input_audio_format": "pcm16", "output_audio_format": "pcm16",
                "input_audio_transcription": audio["input"]["transcription"],
                "input_audio_noise_reduction": audio["input"]["noise_reduction"],
                "turn_detection": audio["input"]["turn_detection"],
                "temperature": 0.8, "max_response_output_tokens": session["max_output_tokens"]}

    @staticmethod
    def _nested(flat):
        """A flat session in today's form. What has no place in it keeps its name, so that the
        check of the session refuses it."""
        flat = dict(flat)
        nested = {"type": "realtime", "audio": {"input": {}, "output": {}}}
        for old, side, new in (("voice", "output", "voice"), ("speed", "output", "speed"),
                               ("input_audio_transcription", "input", "transcription"),
                               ("input_audio_noise_reduction", "input", "noise_reduction"),
                               ("turn_detection", "input", "turn_detection")):
            if old in flat:
                nested["audio"][side][new] = flat.pop(old)
        if "modalities" in flat:
            nested["output_modalities"] = (["text"] if flat.pop("modalities") == ["text"]
                                           else ["audio"])
        if "max_response_output_tokens" in flat:
            nested["max_output_tokens"] = flat.pop("max_response_output_tokens")
        for unused in ("temperature", "input_audio_format", "output_audio_format"):
            flat.pop(unused, None)
        return {**flat, **nested}


DIALECTS = {dialect.name: dialect for dialect in (Realtime, Beta)}
