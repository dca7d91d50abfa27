"""GPT-Live: sessions made with JSON, events without items, and a fence for the browser.

The model decides by itself when to speak. The creator of a session may say which events the
browser can send and receive; a sideband is trusted with all of them."""

import json
import time

from . import session as sessions
from .dialects import Realtime
from .errors import ApiError, invalid_type, invalid_value, missing_parameter

MODELS = ("gpt-live-1",)
# How much of the timeline a piece of a transcript covers.
MS_PER_LETTER = 60
ENDINGS = {"hangup": "close_requested", "closed": "close_requested", "expired": "expired",
           "peer_closed": "remote_hangup"}


def _permissions(selector):
    def check(param, value):
        if value != "all":
            sessions.list_of(selector)(param, value)
    return check


_voice = sessions.fields(voice=sessions.anything)
_session = sessions.fields(
    ("model",), model=sessions.one_of(*MODELS), instructions=sessions.nullable(sessions.text),
    audio=sessions.fields(output=_voice), delegation=sessions.anything,
    input=sessions.list_of(sessions.anything), store=sessions.boolean,
    safety_identifier=sessions.text,
    client=sessions.fields(("data_channel",), data_channel=sessions.fields(
        allowed_client_events=_permissions(sessions.text),
        allowed_server_events=_permissions(sessions.fields(
            ("type",), type=sessions.text, response_event=sessions.text)))))


class Live(Realtime):
    """One per call: it keeps the timeline, the permissions and whether the caller is muted."""

    name = "live"

    COMMANDS = ("session.update", "session.input_audio.mute", "session.input_audio.unmute",
                "session.instructions.append", "session.thinking.append",
                "session.commentary.append", "session.close", "response.item.create",
                "response.create")

    def __init__(self, call_id):
        super().__init__(call_id)
        self.begun = time.monotonic()
        self.settings = {}
        self.resource = None
        self.may_send = "all"
        self.may_read = "all"

    def new_session(self, settings, max_duration):
        _session("session", settings)
        self.settings = settings
        fence = settings.get("client", {}).get("data_channel", {})
        self.may_send = fence.get("allowed_client_events", "all")
        selectors = fence.get("allowed_server_events", "all")
        self.may_read = selectors if selectors == "all" else \
            [selector["type"] for selector in selectors]
        voice = settings.get("audio", {}).get("output", {}).get("voice", "marin")
        inner = {"type": "realtime", "instructions": settings.get("instructions") or "",
                 "audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}}
        session = sessions.new(inner, max_duration)
        session["audio"]["output"]["voice"] = voice
        self.resource = {"audio": {"output": {"voice": voice}}, **settings,
                         "id": self.call_id, "status": "active",
                         "expires_at": session["expires_at"]}
        return {**session, "model": settings["model"]}

    def _now(self):
        return int((time.monotonic() - self.begun) * 1000)

    def _usage(self):
        return {"seconds": round(self._now() / 1000, 1)}

    def outgoing(self, event):
        kind = event["type"]
        if kind == "session.created":
            started = {"type": "session.started", "session": self.resource}
            return [started] + ([] if self.may_send == self.may_read == "all" else [self._info()])
        if kind == "conversation.item.input_audio_transcription.delta":
            return [self._piece("session.input_transcript.delta", event["delta"])]
        if kind in ("response.output_audio_transcript.delta", "response.output_text.delta"):
            return [self._piece("session.output_transcript.delta", event["delta"])]
        if kind == "response.done":
            return [{"type": "session.usage.updated", "usage": self._usage()}]
        if kind == "error":
            error = {name: value for name, value in event["error"].items() if value is not None}
            if "event_id" in error:
                error["client_event_id"] = error.pop("event_id")
            return [{"type": "error", "error": error}]
        return [event] if kind in self.OWN else []

    OWN = ("session.updated", "session.closed", "session.input_audio.muted",
           "session.input_audio.unmuted", "session.instructions.appended",
           "session.thinking.appended", "session.commentary.appended")

    def _piece(self, kind, text):
        start = self._now()
        return {"type": kind, "delta": text, "start_ms": start,
                "end_ms": start + MS_PER_LETTER * len(text)}

    def _info(self):
        return {"type": "info", "code": "data_channel_permissions",
                "message": "Event permissions are in force on this data channel."}

    def browser_may_read(self, event):
        return self.may_read == "all" or event["type"] in (*self.may_read, "info")

    def receive(self, call, message, trusted):
        event_id = None
        try:
            event = self._parse(message)
            event_id = event.get("event_id")
            if not trusted and self.may_send != "all" and event["type"] not in self.may_send:
                raise ApiError(f"The event '{event['type']}' is not allowed on this data channel.",
                               "event_not_allowed", "type")
            for answer in self._obey(call, event):
                call.send({**answer, **({"client_event_id": event_id} if event_id else {})})
        except ApiError as error:
            call.send(error.event(event_id))

    def _parse(self, message):
        try:
            event = json.loads(message)
        except ValueError:
            raise ApiError("The event could not be parsed as JSON.", "invalid_json") from None
        if not isinstance(event, dict):
            raise invalid_type("event", "an object", event)
        if event.get("type") not in self.COMMANDS:
            raise invalid_value("type", event.get("type"), self.COMMANDS)
        return event

    def _obey(self, call, event):
        """Do what a command says; gives what acknowledges it."""
        kind = event["type"]
        if kind == "session.close":
            call.end("closed")
            return []
        if kind in ("session.input_audio.mute", "session.input_audio.unmute"):
            call.deaf = kind.endswith(".mute")
            return [{"type": kind + "d"}]
        if kind == "session.update":
            raise ApiError("Only delegation settings can be updated, and this session has none.",
                           "invalid_value", "session")
        if kind.startswith("response."):
            raise ApiError("This session has no Responses delegation.", "invalid_value", "type")
        if not isinstance(event.get("content"), str):
            raise missing_parameter("content")
        if kind == "session.commentary.append":
            call.conversation.say(event["content"])
        at = self._now()
        return [{"type": kind + "ed", "start_ms": at, "end_ms": at}]

    def farewell(self, call):
        return [{"type": "session.closed", "usage": self._usage(), "session": self.resource,
                 "reason": ENDINGS.get(call.ended_by, "connection_lost")}]
