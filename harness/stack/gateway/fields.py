"""Reads a client's request field by field; errors name the field."""

from typing import Any

import orjson

from ..core.errors import StackError


class BadRequest(StackError):
    """The client's request is invalid; `param` is the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__("bad_request", message)
        self.param = param


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
    try:
        orjson.dumps(value)
    except TypeError as error:
        raise BadRequest(f"'{where}{name}' is nested too deeply.", f"{where}{name}") from error
    return value


def text(fields: Any, name: str, where: str) -> str:
    """A required non-empty string. Raises `BadRequest`."""
    value = fields.get(name) if isinstance(fields, dict) else None
    if not isinstance(value, str) or not value:
        raise BadRequest(f"'{where}.{name}' must be a non-empty string.", f"{where}.{name}")
    return value
