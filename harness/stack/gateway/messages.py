"""Reads the messages of a chat completion request.

A client sends replies back as it got them, so an assistant's message may have the fields of a reply. A field
that says nothing is accepted; an unknown one that says something could change the answer, and is refused.
"""

from typing import Any

from ..core.reply import ToolCall
from ..core.request import Message, Role
from .content import read_content
from .fields import BadRequest, nothing_else, take, text

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}

ECHOED = (
    "annotations",
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "parsed",
    "provider_specific_fields",
)
"""Fields of a reply that are no part of the conversation: providers do not read them."""

ABSENT = object()
"""The content of a message without one."""


def read_messages(value: Any) -> tuple[Message, ...]:
    """The turns of the conversation. Raises `BadRequest`."""
    if not isinstance(value, list) or not value:
        raise BadRequest("'messages' must be a non-empty array.", "messages")
    return tuple(read_message(turn, f"messages[{n}]") for n, turn in enumerate(value))


def read_message(turn: Any, where: str) -> Message:
    """One turn; `where`: its place in the request. Raises `BadRequest`."""
    role = ROLES.get(str(turn.get("role"))) if isinstance(turn, dict) else None
    if role is None:
        raise BadRequest(f"{where}.role must be one of {', '.join(ROLES)}.", where)
    fields = dict(turn)
    del fields["role"]
    name = take(fields, "name", str, "", f"{where}.")
    content = fields.pop("content", ABSENT)
    if role == "tool":
        id = text(fields, "tool_call_id", where)
        del fields["tool_call_id"]
        read = read_content(content, where)
        message = Message(role, read.text, tool_call_id=id, media=read.media)
    elif role == "assistant":
        message = _assistant(content, name, fields, where)
    else:
        read = read_content(content, where, media=role == "user")
        message = Message(role, read.text, name=name, media=read.media)
    nothing_else(fields, f"{where}.")
    return message


def _assistant(content: Any, name: str, fields: dict[str, Any], where: str) -> Message:
    """A turn of the model: what it said, its refusal included, and the tools that it called."""
    refusal = take(fields, "refusal", str, "", f"{where}.")
    calls = _calls(fields.pop("tool_calls", None) or [], where)
    for echoed in ECHOED:
        fields.pop(echoed, None)
    may_be_absent = calls or refusal
    is_empty = content is None or (content is ABSENT and may_be_absent)
    words = "" if is_empty else read_content(content, where, media=False).text
    return Message("assistant", words + refusal, calls, name=name)


def _calls(value: Any, where: str) -> tuple[ToolCall, ...]:
    where = f"{where}.tool_calls"
    if not isinstance(value, list):
        raise BadRequest(f"'{where}' must be an array.", where)
    return tuple(_call(call, f"{where}[{n}]") for n, call in enumerate(value))


def _call(call: Any, where: str) -> ToolCall:
    id = text(call, "id", where)
    function = call.get("function")
    name = text(function, "name", f"{where}.function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        message = f"'{where}.function.arguments' must be a string."
        raise BadRequest(message, f"{where}.function.arguments")
    return ToolCall(id, name, arguments)
