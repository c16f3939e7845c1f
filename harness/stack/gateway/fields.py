"""Reads a client's request field by field; errors name the field."""

from typing import Any, TypeVar

import orjson

from ..core.errors import StackError

Value = TypeVar("Value")


class BadRequest(StackError):
    """The client's request is invalid; `param` is the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__("bad_request", message)
        self.param = param


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that is a request's body. Raises `BadRequest`."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("We could not parse the JSON body of your request.") from error
    if not isinstance(parsed, dict):
        raise BadRequest("The body must be a JSON object.")
    return dict(parsed)


def take(
    fields: dict[str, Any], name: str, kind: type | tuple[type, ...], default: Any, where: str = ""
) -> Any:
    """Remove and return a field; `default` if it is absent or null. Raises `BadRequest` for a wrong type."""
    value = fields.pop(name, None)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadRequest(f"Invalid type for '{where}{name}'.", f"{where}{name}")
    return value


def schema(fields: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """A JSON schema, {} if absent. Raises `BadRequest` if it is nested too deeply to be encoded."""
    value: dict[str, Any] = take(fields, name, dict, {}, where)
    return encodable(value, f"{where}{name}")


def encodable(value: Value, param: str) -> Value:
    """`value`, which is sent on. Raises `BadRequest` if it is nested too deeply to be encoded."""
    try:
        orjson.dumps(value)
    except TypeError as error:
        raise BadRequest(f"'{param}' is nested too deeply.", param) from error
    return value


def nothing_else(fields: dict[str, Any], where: str = "") -> None:
    """Raise `BadRequest` for a field that is left and says something: it could change the answer."""
    for name, value in fields.items():
        if value is not None and value not in ("", []):
            message = f"Unsupported parameter: '{where}{name}' is not supported by this gateway."
            raise BadRequest(message, f"{where}{name}")


def text(fields: Any, name: str, where: str) -> str:
    """A required non-empty string. Raises `BadRequest`."""
    value = fields.get(name) if isinstance(fields, dict) else None
    if not isinstance(value, str) or not value:
        raise BadRequest(f"'{where}.{name}' must be a non-empty string.", f"{where}.{name}")
    return value
