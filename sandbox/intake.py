"""The request that creates a call, in each of its shapes: multipart, raw SDP, JSON."""

import dataclasses
import json

from . import multipart
from .errors import ApiError, invalid_type, missing_parameter, unknown_parameter


@dataclasses.dataclass
class Intake:
    """`offer`: the exact bytes. `session`: an object, or None where the request had none."""

    offer: bytes
    session: dict | None = None
    dcid: int | None = None

    def sdp(self):
        try:
            return self.offer.decode("utf-8")
        except UnicodeDecodeError:
            raise ApiError("Failed to parse offer: invalid UTF-8", "invalid_offer", "") from None


def read(content_type, body, query):
    """What a request to create a call holds, whichever of the shapes it has."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body, query)
    if kind == "application/sdp":
        return Intake(body, None, _dcid(query.get("dcid")))
    if kind == "application/json":
        return _live(_json(body, "body"))
    raise ApiError(f"Unsupported content type: '{kind}'. Supported content types are "
                   "'multipart/form-data' and 'application/sdp'.", "unsupported_content_type")


def read_json(body):
    """A JSON body that must be an object; an empty one counts as {}."""
    return _object(_json(body or b"{}", "body"), "body")


def _multipart(content_type, body, query):
    parts = multipart.parse(body, content_type)
    for name in parts:
        if name not in ("sdp", "session"):
            raise unknown_parameter(name)
    if "sdp" not in parts:
        raise missing_parameter("sdp")
    session = None
    if "session" in parts:
        session = _object(_json(parts["session"][1], "session"), "session")
    return Intake(parts["sdp"][1], session, _dcid(query.get("dcid")))


def _live(body):
    body = _object(body, "body")
    for name in body:
        if name not in ("session", "transport"):
            raise unknown_parameter(name)
    for name in ("session", "transport"):
        if name not in body:
            raise missing_parameter(name)
    session = _object(body["session"], "session")
    transport = _object(body["transport"], "transport")
    for name in transport:
        if name not in ("type", "sdp", "dcid"):
            raise unknown_parameter(f"transport.{name}")
    if transport.get("type") != "webrtc":
        raise ApiError("Invalid value for 'transport.type'. Supported values are: 'webrtc'.",
                       "invalid_value", "transport.type")
    if not isinstance(transport.get("sdp"), str):
        raise missing_parameter("transport.sdp")
    return Intake(transport["sdp"].encode("utf-8", "surrogatepass"), session,
                  _dcid(transport.get("dcid")))


def _json(data, what):
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(f"Could not parse the JSON of '{what}'.", "invalid_json", what) from None


def _object(value, param):
    if not isinstance(value, dict):
        raise invalid_type(param, "an object", value)
    return value


def _dcid(value):
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and int(text) <= 65534):
        raise ApiError("Invalid 'dcid': expected an integer from 0 to 65534.",
                       "invalid_value", "dcid")
    return int(text)
