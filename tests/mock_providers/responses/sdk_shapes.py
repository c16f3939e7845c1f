"""Checks replies against the openai SDK's own types, strictly: types, required fields, no field that it
lacks.
"""

from typing import Any

import openai.types.responses as sdk
from pydantic import BaseModel, TypeAdapter

EVENT: TypeAdapter[Any] = TypeAdapter(sdk.ResponseStreamEvent)
NOT_IN_THE_TYPES = {"store", "obfuscation", "custom_tool_call.status"}
"""Fields that recorded replies have and the types lack."""


def checked_response(data: Any) -> sdk.Response:
    """The response, if it has the SDK's shape."""
    response = sdk.Response.model_validate(data, strict=True)
    assert extras(response) <= NOT_IN_THE_TYPES
    return response


def checked_event(data: Any) -> Any:
    """The event, if it has the SDK's shape; a recorded `error` event has an object that the type lacks."""
    if data["type"] == "error":
        assert set(data) == {"type", "sequence_number", "error"}
        assert set(data["error"]) == {"type", "code", "message", "param"}
        return data
    event = EVENT.validate_python(data, strict=True)
    assert extras(event) <= NOT_IN_THE_TYPES, data
    return event


def extras(value: Any) -> set[str]:
    """The names of fields, at any depth, that the types do not have."""
    if isinstance(value, list):
        return set().union(*map(extras, value))
    if not isinstance(value, BaseModel):
        return set()
    kind = getattr(value, "type", None)
    own = {f"{kind}.{name}" if kind == "custom_tool_call" else name for name in value.model_extra or {}}
    return own.union(*(extras(getattr(value, name)) for name in type(value).model_fields))
