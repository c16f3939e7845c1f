"""Reads the messages of a chat completion request."""

from typing import Any

from ..core.reply import ToolCall
from ..core.request import Message, Role
from .fields import BadRequest, text

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(value: Any) -> tuple[Message, ...]:
    """The turns of the conversation. Raises `BadRequest`."""
    if not isinstance(value, list) or not value:
        raise BadRequest("'messages' must be a non-empty array.", "messages")
    return tuple(_message(turn, f"messages[{n}]") for n, turn in enumerate(value))


def _message(turn: Any, where: str) -> Message:
    role = ROLES.get(str(turn.get("role"))) if isinstance(turn, dict) else None
    if role is None:
        raise BadRequest(f"{where}.role must be one of {', '.join(ROLES)}.", where)
    content, calls = turn.get("content"), turn.get("tool_calls")
    if role == "tool":
        return Message(role, _text(content, where), tool_call_id=text(turn, "tool_call_id", where))
    if role == "assistant" and calls:
        return Message(role, "" if content is None else _text(content, where), _calls(calls, where))
    return Message(role, _text(content, where))


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


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) == len(content):
            return "".join(texts)
    where = f"{where}.content"
    raise BadRequest(f"{where} must be a string or an array of text parts.", where)
