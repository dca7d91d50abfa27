"""A Realtime session: its defaults, what a client may set, and how an update is merged."""

import copy
import time

from . import ids
from .errors import (ApiError, invalid_type, invalid_value, missing_parameter, out_of_range,
                     unknown_parameter)

# Any other model is refused where a call is created.
MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5",
          "gpt-realtime", "gpt-realtime-mini", "gpt-realtime-2025-08-28",
          "gpt-realtime-mini-2025-12-15")
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
TRANSCRIBERS = ("gpt-live-transcribe", "gpt-transcribe", "gpt-realtime-whisper", "whisper-1",
                "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize")


def anything(param, value):
    """Accept a value the sandbox has no use for."""


def text(param, value):
    if not isinstance(value, str):
        raise invalid_type(param, "a string", value)


def boolean(param, value):
    if not isinstance(value, bool):
        raise invalid_type(param, "a boolean", value)


def number(low, high, kinds=(int, float)):
    def check(param, value):
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise invalid_type(param, "an integer" if kinds == (int,) else "a decimal", value)
        if not low <= value <= high:
            raise out_of_range(param, value, low, high)
    return check


def one_of(*names):
    def check(param, value):
        text(param, value)
        if value not in names:
            raise invalid_value(param, value, names)
    return check


def nullable(inner):
    def check(param, value):
        if value is not None:
            inner(param, value)
    return check


def list_of(inner):
    def check(param, value):
        if not isinstance(value, list):
            raise invalid_type(param, "an array", value)
        for index, entry in enumerate(value):
            inner(f"{param}[{index}]", entry)
    return check


def fields(required=(), **known):
    def check(param, value):
        if not isinstance(value, dict):
            raise invalid_type(param, "an object", value)
        for name in value:
            if name not in known:
                raise unknown_parameter(f"{param}.{name}")
        for name in required:
            if name not in value:
                raise missing_parameter(f"{param}.{name}")
        for name, entry in value.items():
            known[name](f"{param}.{name}", entry)
    return check


def modalities(param, value):
    list_of(one_of("audio", "text"))(param, value)
    if value not in (["audio"], ["text"]):
        raise ApiError(f"Invalid modalities: {value}. Supported combinations are: "
                       "['text'] and ['audio'].", "invalid_value", param)


def voice(param, value):
    if isinstance(value, dict):
        fields(("id",), id=text)(param, value)
    else:
        one_of(*VOICES)(param, value)


def token_limit(param, value):
    if value != "inf":
        number(1, 4096, (int,))(param, value)


audio_format = fields(("type",), type=one_of("audio/pcm", "audio/pcmu", "audio/pcma"),
                      rate=number(8000, 48000, (int,)))
turn_detection = fields(
    ("type",), type=one_of("server_vad", "semantic_vad"), threshold=number(0, 1),
    prefix_padding_ms=number(0, 5000, (int,)), silence_duration_ms=number(0, 10000, (int,)),
    idle_timeout_ms=nullable(number(5000, 30000, (int,))), create_response=boolean,
    interrupt_response=boolean, eagerness=one_of("low", "medium", "high", "auto"))
transcription = fields(model=one_of(*TRANSCRIBERS), language=nullable(text),
                       languages=nullable(list_of(text)), keywords=nullable(list_of(text)),
                       prompt=nullable(text))
audio_input = fields(
    format=audio_format, transcription=nullable(transcription),
    noise_reduction=nullable(fields(("type",), type=one_of("near_field", "far_field"))),
    turn_detection=nullable(turn_detection))
audio_output = fields(format=audio_format, voice=voice, speed=number(0.25, 1.5))

session = fields(
    ("type",), type=one_of("realtime", "transcription"), model=text, instructions=text,
    output_modalities=modalities, audio=fields(input=audio_input, output=audio_output),
    tools=list_of(anything), tool_choice=anything, parallel_tool_calls=boolean,
    max_output_tokens=token_limit, truncation=anything, tracing=anything,
    include=nullable(list_of(text)), prompt=anything, reasoning=anything)

response = fields(
    instructions=nullable(text), output_modalities=modalities, conversation=one_of("auto", "none"),
    metadata=anything, input=list_of(anything), tools=list_of(anything), tool_choice=anything,
    max_output_tokens=token_limit, prompt=anything, reasoning=anything,
    parallel_tool_calls=boolean, audio=fields(output=audio_output))


def check_model(model):
    if model not in MODELS:
        raise ApiError(f"Model '{model}' is not supported in realtime mode.",
                       "invalid_model", "model")


def new(settings, max_duration):
    """The session a call starts with: OpenAI's defaults under the creator's settings."""
    session("session", settings)
    check_model(settings.get("model", MODELS[0]))
    pcm = {"type": "audio/pcm", "rate": 24000}
    created = {
        "type": "realtime", "object": "realtime.session", "id": ids.new("sess"),
        "model": MODELS[0], "instructions": "You are a helpful assistant. Speak English.",
        "output_modalities": ["audio"], "tools": [], "tool_choice": "auto",
        "max_output_tokens": "inf", "truncation": "auto", "tracing": None, "prompt": None,
        "include": None, "expires_at": int(time.time() + max_duration),
        "audio": {"input": {"format": pcm, "transcription": None, "noise_reduction": None,
                            "turn_detection": turn_defaults({"type": "server_vad"})},
                  "output": {"format": pcm, "voice": "alloy", "speed": 1.0}},
    }
    return merge(created, settings)


def turn_defaults(given):
    if given["type"] == "semantic_vad":
        defaults = {"eagerness": "auto"}
    else:
        defaults = {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
                    "idle_timeout_ms": None}
    return {**defaults, "create_response": True, "interrupt_response": True, **given}


def merge(current, update):
    """A new session: only what the update names changes."""
    merged = copy.deepcopy(current)
    for name, value in update.items():
        if name != "audio":
            merged[name] = value
    for side in ("input", "output"):
        merged["audio"][side].update(update.get("audio", {}).get(side, {}))
    detection = merged["audio"]["input"]["turn_detection"]
    if detection is not None:
        merged["audio"]["input"]["turn_detection"] = turn_defaults(detection)
    return merged


def updated(current, update, has_spoken):
    """Apply a client's session.update, or raise the error OpenAI answers it with."""
    session("session", update)
    if update["type"] != current["type"]:
        raise ApiError("Passing a different session type is not allowed.",
                       "invalid_value", "session.type")
    wanted = update.get("audio", {}).get("output", {}).get("voice")
    if wanted is not None and has_spoken and wanted != current["audio"]["output"]["voice"]:
        raise ApiError("Cannot update a conversation's voice if assistant audio is present.",
                       "cannot_update_voice")
    # The model of a session cannot change. OpenAI's own SDK always names one; it has no effect.
    return {**merge(current, update), "model": current["model"]}
