"""Errors in the shape OpenAI's API gives them, over HTTP and on the data channel."""

INVALID_REQUEST = "invalid_request_error"


class ApiError(Exception):
    """An error a client is told of. `status` is used over HTTP only."""

    def __init__(self, message, code=None, param=None, status=400, type=INVALID_REQUEST):
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.type = type

    def body(self):
        return {"error": {"message": self.message, "type": self.type,
                          "code": self.code, "param": self.param}}

    def event(self, client_event_id=None):
        return {"type": "error",
                "error": {**self.body()["error"], "event_id": client_event_id}}


def unknown_parameter(param):
    return ApiError(f"Unknown parameter: '{param}'.", "unknown_parameter", param)


def missing_parameter(param):
    return ApiError(f"Missing required parameter: '{param}'.",
                    "missing_required_parameter", param)


def invalid_type(param, wanted, value):
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string",
             dict: "an object", list: "an array", type(None): "null"}
    return ApiError(f"Invalid type for '{param}': expected {wanted}, but got "
                    f"{names.get(type(value), 'something else')} instead.",
                    "invalid_type", param)


def invalid_value(param, value, supported):
    choices = ", ".join(f"'{name}'" for name in supported)
    return ApiError(f"Invalid value: '{value}'. Supported values are: {choices}.",
                    "invalid_value", param)


def out_of_range(param, value, low, high):
    side = "above" if value > high else "below"
    bound = "maximum" if value > high else "minimum"
    limit = high if value > high else low
    return ApiError(f"Invalid '{param}': decimal {side} {bound} value. "
                    f"Expected a value {'<=' if value > high else '>='} {limit}, "
                    f"but got {value} instead.",
                    f"decimal_{side}_{'max' if value > high else 'min'}_value", param)


def call_not_found():
    return ApiError("No session found for the provided call_id", "call_id_not_found", "", 404)
