"""Reading what a chat completion puts before the model: tools, conversation, and the form of the reply."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Part, Tool
from ..fields import Fields, canonical

_ROLES = ("system", "developer", "user", "assistant", "tool")
_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object", "json_schema")
_NAME = "^[a-zA-Z0-9_-]{1,64}$"
_MOST_TOOLS = 128
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


def read_tools(fields: Fields) -> tuple[tuple[Tool, ...], tuple[Message, ...]]:
    """The tools, and what they add to the front of the prompt, worded alike in every protocol."""
    if not fields.present("tools"):
        return (), ()
    items = fields.items("tools")
    if not 1 <= len(items) <= _MOST_TOOLS:
        complaint = f"expected an array of 1 to {_MOST_TOOLS} tools, but got {len(items)}."
        raise BadField(("tools",), "unsupported", complaint)
    tools, definitions = [], []
    for nth, item in enumerate(items):
        function = _function(Fields(item, ("tools", nth)))
        name = _name(function)
        schema = function.read("parameters", "object")
        told = {"name": name, "description": function.read("description", "string"), "parameters": schema}
        text = canonical({key: value for key, value in told.items() if value is not None})
        tools.append(Tool(name, _NO_ARGUMENTS if schema is None else schema))
        definitions.append(Part(text))
    return tuple(tools), (Message("tools", tuple(definitions)),)


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, bool]:
    """Which tool must be called, in a Request's words, and whether several may be at once."""
    for name in ("tool_choice", "parallel_tool_calls"):
        if fields.present(name) and not tools:
            raise BadField((name,), "unsupported", "only allowed when 'tools' are specified.")
    several = fields.read("parallel_tool_calls", "boolean") is not False
    if not fields.present("tool_choice"):
        return "auto", several
    if isinstance(fields.require("tool_choice"), str):
        return fields.choice("tool_choice", _CHOICES), several
    named = _function(fields.inner("tool_choice")).text("name")
    if all(tool.name != named for tool in tools):
        complaint = f"no function named '{named}' was specified in the 'tools' parameter."
        raise BadField(("tool_choice",), "unsupported", complaint)
    return named, several


def read_json_schema(fields: Fields) -> dict[str, Any] | None:
    """What the reply must be an instance of: `{}` any object, None for plain text."""
    if not fields.present("response_format"):
        return None
    format_ = fields.inner("response_format")
    kind = format_.choice("type", _FORMATS)
    if kind == "text":
        return None
    if kind == "json_object":
        return {}
    format_.require("json_schema")
    described = format_.inner("json_schema")
    _name(described)
    described.flag("strict")
    described.require("schema")
    schema: dict[str, Any] = described.read("schema", "object")
    return schema


def read_messages(fields: Fields) -> tuple[Message, ...]:
    """The conversation; every call of a tool must be answered before it goes on."""
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise BadField(("messages",), "unsupported", "empty array. Expected an array with minimum length 1.")
    turns = _Turns()
    messages = []
    for nth, item in enumerate(items):
        message = Fields(item, ("messages", nth))
        role = message.choice("role", _ROLES)
        calls = list(_calls(message)) if role == "assistant" else []
        if role == "tool":
            turns.answer(message)
        else:
            turns.go_on(nth, [id_ for id_, _ in calls])
        parts = _assistant_parts(message, calls) if role == "assistant" else _parts(message)
        messages.append(Message("system" if role == "developer" else role, parts))
    turns.go_on(len(items), [])
    return tuple(messages)


class _Turns:
    """Which calls of tools the next messages may answer, and which they still must."""

    def __init__(self) -> None:
        self._called: frozenset[str] = frozenset()
        self._unanswered: dict[str, None] = {}  # in order

    def answer(self, message: Fields) -> None:
        """A tool's message."""
        id_ = message.text("tool_call_id")
        if id_ not in self._called:
            complaint = (
                "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            )
            raise BadField(message.path, "unsupported", complaint)
        self._unanswered.pop(id_, None)

    def go_on(self, nth: int, calls: list[str]) -> None:
        """Any other message, or the end; `calls`: what it calls."""
        if self._unanswered:
            complaint = (
                "an assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: "
            )
            raise BadField(("messages", nth - 1), "unsupported", complaint + ", ".join(self._unanswered))
        self._called, self._unanswered = frozenset(calls), dict.fromkeys(calls)


def _calls(message: Fields) -> Iterator[tuple[str, Part]]:
    """The calls of tools that a message of the assistant made: their ids, and their text in the prompt."""
    if message.present("function_call"):
        raise BadField((*message.path, "function_call"), "unsupported", "use 'tool_calls' instead.")
    for nth, item in enumerate(message.items("tool_calls")):
        call = Fields(item, (*message.path, "tool_calls", nth))
        id_, function = call.text("id"), _function(call)
        yield id_, Part(_call_text(function.text("name"), function.text("arguments")))


def _call_text(name: str, arguments: str) -> str:
    """A call as every protocol writes it; arguments that are no JSON, or too deep, stay as they are."""
    try:
        return canonical({"name": name, "arguments": orjson.loads(arguments)})
    except (ValueError, orjson.JSONEncodeError):
        return canonical({"name": name, "arguments": arguments})


def _assistant_parts(message: Fields, calls: list[tuple[str, Part]]) -> tuple[Part, ...]:
    """Its content, which may be missing, and the calls."""
    content = _parts(message, ("text", "refusal")) if message.present("content") else ()
    return (*content, *(part for _, part in calls)) or (Part(""),)


def _parts(message: Fields, kinds: tuple[str, ...] = ("text",)) -> tuple[Part, ...]:
    """Content: a string, or an array of parts that are text."""
    value = message.require("content")
    if isinstance(value, str):
        return (Part(value),)
    path = (*message.path, "content")
    if not isinstance(value, list):
        raise BadField(path, "type", "string", value)
    parts = [Fields(part, (*path, nth)) for nth, part in enumerate(value)]
    return tuple(Part(part.text(part.choice("type", kinds))) for part in parts)


def _function(holder: Fields) -> Fields:
    """The function of a tool, of a call or of a choice."""
    holder.choice("type", ("function",))
    holder.require("function")
    return holder.inner("function")


def _name(holder: Fields) -> str:
    name = holder.text("name")
    if not re.fullmatch(_NAME, name):
        complaint = f"string does not match pattern. Expected a string that matches '{_NAME}'."
        raise BadField((*holder.path, "name"), "unsupported", complaint)
    return name
