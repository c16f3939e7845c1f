"""Reads the messages of a chat completion request."""

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Part, ToolResult, ToolUse
from ..fields import Fields
from ..prompt_text import call_text, is_error
from .media import MEDIA_PARTS, read_media
from .tools import read_function

_ROLES = ("system", "developer", "user", "assistant", "tool")


def read_messages(fields: Fields, model: str, *, lenient: bool = False) -> tuple[Message, ...]:
    """The messages; raises BadField, also when a tool call is not answered before the next turn.

    - `model`: by whose rule media are counted
    - `lenient`: media in messages of any role (default: in those of the user)
    """
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise BadField(("messages",), "unsupported", "empty array. Expected an array with minimum length 1.")
    pending = _PendingCalls()
    messages = []
    for nth, item in enumerate(items):
        message = Fields(item, ("messages", nth))
        role = message.choice("role", _ROLES)
        calls = list(_calls(message)) if role == "assistant" else []
        if role == "tool":
            pending.answer(message)
            parts = _result_parts(message, _Media(model, anywhere=lenient))
        else:
            pending.next_turn(nth, [id_ for id_, _ in calls])
            media = _Media(model, anywhere=lenient or role == "user")
            parts = _assistant_parts(message, calls) if role == "assistant" else _parts(message, media)
        messages.append(Message("system" if role == "developer" else role, parts))
    pending.next_turn(len(items), [])
    return tuple(messages)


class _Media(NamedTuple):
    """Where media may stand, and the model that counts them."""

    model: str
    anywhere: bool


class _PendingCalls:
    """The tool calls that the next messages may answer, and those that they still must."""

    def __init__(self) -> None:
        self._called: frozenset[str] = frozenset()
        self._unanswered: dict[str, None] = {}  # in order

    def answer(self, message: Fields) -> None:
        """A message of role tool; raises BadField if it answers none of the calls."""
        id_ = message.text("tool_call_id")
        if id_ not in self._called:
            complaint = (
                "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            )
            raise BadField(message.path, "unsupported", complaint)
        self._unanswered.pop(id_, None)

    def next_turn(self, nth: int, calls: list[str]) -> None:
        """Any other message, or the end, at index `nth`; `calls`: ids of its tool calls."""
        if self._unanswered:
            complaint = (
                "an assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: "
            )
            raise BadField(("messages", nth - 1), "unsupported", complaint + ", ".join(self._unanswered))
        self._called, self._unanswered = frozenset(calls), dict.fromkeys(calls)


def _calls(message: Fields) -> Iterator[tuple[str, Part]]:
    """The tool calls of an assistant message: id and prompt text."""
    if message.present("function_call"):
        raise BadField((*message.path, "function_call"), "unsupported", "use 'tool_calls' instead.")
    for nth, item in enumerate(message.items("tool_calls")):
        call = Fields(item, (*message.path, "tool_calls", nth))
        id_, function = call.text("id"), read_function(call)
        name = function.text("name")
        yield id_, Part(_call_text(name, function.text("arguments")), about=ToolUse(name, id_))


def _call_text(name: str, arguments: str) -> str:
    """The call as prompt text; arguments that are not JSON, or nested too deeply, stay a string."""
    try:
        return call_text(name, orjson.loads(arguments))
    except ValueError:
        return call_text(name, arguments)


def _assistant_parts(message: Fields, calls: list[tuple[str, Part]]) -> tuple[Part, ...]:
    """The content of an assistant message, which may be missing, and its tool calls."""
    content = _parts(message, None, ("text", "refusal")) if message.present("content") else ()
    return (*content, *(part for _, part in calls)) or (Part(""),)


def _result_parts(message: Fields, media: _Media) -> tuple[Part, ...]:
    """The content of a tool message, which has no field for errors."""
    parts = _parts(message, media)
    result = ToolResult(message.text("tool_call_id"), any(is_error(part.text) for part in parts[:1]))
    return tuple(part._replace(about=part.about or result) for part in parts)


def _parts(message: Fields, media: _Media | None, kinds: tuple[str, ...] = ("text",)) -> tuple[Part, ...]:
    """Content: a string, or an array of parts."""
    value = message.require("content")
    if isinstance(value, str):
        return (Part(value),)
    path = (*message.path, "content")
    if not isinstance(value, list):
        raise BadField(path, "type", "string", value)
    parts = [Fields(part, (*path, nth)) for nth, part in enumerate(value)]
    return tuple(_part(part, message.text("role"), media, kinds) for part in parts)


def _part(part: Fields, role: str, media: _Media | None, kinds: tuple[str, ...]) -> Part:
    kind = part.choice("type", kinds if media is None else (*kinds, *MEDIA_PARTS))
    if kind not in MEDIA_PARTS or media is None:
        return Part(part.text(kind))
    if not media.anywhere:
        complaint = (
            f"Content parts of type '{kind}' are only allowed for messages with role 'user', but this "
            f"message with role '{role}' contains one."
        )
        raise BadField(part.path, "unsupported", complaint)
    return read_media(part, kind, media.model)
