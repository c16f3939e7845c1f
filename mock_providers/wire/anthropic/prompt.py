"""Reading what a messages request puts before the model: tools, system prompt, conversation, breakpoints.

Every content block becomes a Part, so that breakpoints of the prompt cache stay where the client put them.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from ...exchange.bad_field import BadField, Path
from ...exchange.request import CacheTtl, Message, Part, Tool
from ...prompt_cache.prefix import breakpoints
from ..fields import Fields, canonical

_MOST_BREAKPOINTS = 4
_BLOCKS = {
    "system": ("text",),
    "user": ("text", "tool_result"),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
}
_TOOL_NAME = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_prompt(fields: Fields) -> tuple[Message, ...]:
    """Tools, system prompt and messages, in the order in which they are cached; raises BadField."""
    messages = [*_tool_definitions(fields), *_system(fields), *_conversation(fields)]
    last = messages[-1]
    if last.role == "assistant" and last.text != last.text.rstrip():
        raise _unsupported("messages", "final assistant content cannot end with trailing whitespace")
    automatic = _cache(fields)
    if automatic and last.parts and last.parts[-1].cache is None:
        marked = last.parts[-1]._replace(cache=automatic)
        messages[-1] = Message(last.role, (*last.parts[:-1], marked))
    _check_breakpoints(messages)
    return tuple(messages)


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """The tools that the model may call; raises BadField."""
    tools = []
    for tool in _each(fields, "tools"):
        if tool.present("type"):
            tool.choice("type", ("custom",))
        name = tool.text("name")
        if not re.fullmatch(_TOOL_NAME, name):
            raise _unsupported("tools", f"String should match pattern '{_TOOL_NAME}'")
        tool.require("input_schema")
        tool.inner("input_schema").choice("type", ("object",))
        tools.append(Tool(name, tool.read("input_schema", "object")))
    if len({tool.name for tool in tools}) < len(tools):
        raise _unsupported("tools", "Tool names must be unique.")
    return tuple(tools)


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, bool]:
    """Which tool must be called, in a Request's words, and whether several may be at once."""
    if not fields.present("tool_choice"):
        return "auto", True
    if not tools:
        raise _unsupported("tool_choice", "may only be specified while providing tools")
    choice = fields.inner("tool_choice")
    kind = choice.choice("type", (*_CHOICES, "tool"))
    several = not choice.flag("disable_parallel_tool_use")
    if kind != "tool":
        return _CHOICES[kind], several
    name = choice.text("name")
    if all(tool.name != name for tool in tools):
        raise _unsupported("tool_choice.name", f"Tool '{name}' not found in provided tools")
    return name, several


def read_json_schema(fields: Fields) -> dict[str, Any] | None:
    """The schema that the reply must satisfy, by either of the two names of the field."""
    for holder, key in ((fields.inner("output_config"), "format"), (fields, "output_format")):
        if holder.present(key):
            format_ = holder.inner(key)
            format_.choice("type", ("json_schema",))
            format_.require("schema")
            schema: dict[str, Any] = format_.read("schema", "object")
            return schema
    return None


def unmarked(body: Any) -> Any:
    """A valid body without breakpoints: they change the bill, not the reply. A block of text is a text."""
    plain = {key: value for key, value in body.items() if key != "cache_control"}
    if plain.get("tools"):
        plain["tools"] = [_without_mark(tool) for tool in plain["tools"]]
    if plain.get("system"):
        plain["system"] = _plain(plain["system"])
    plain["messages"] = [turn | {"content": _plain(turn["content"])} for turn in plain["messages"]]
    return plain


def _plain(content: Any) -> Any:
    if isinstance(content, str):
        return content
    blocks = [_without_mark(block) for block in content]
    is_text = len(blocks) == 1 and blocks[0].keys() == {"type", "text"}
    return blocks[0]["text"] if is_text else blocks


def _without_mark(block: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "cache_control"}


def _tool_definitions(fields: Fields) -> Iterator[Message]:
    """The tools as a message of their own, worded alike in every protocol."""
    parts = []
    for tool in _each(fields, "tools"):
        known = {"name": tool.text("name"), "description": tool.read("description", "string")}
        told = {**known, "parameters": tool.read("input_schema", "object")}
        parts.append(
            Part(canonical({key: value for key, value in told.items() if value is not None}), _cache(tool))
        )
    if parts:
        yield Message("tools", tuple(parts))


def _system(fields: Fields) -> Iterator[Message]:
    if fields.present("system"):
        yield Message("system", _parts(fields, "system", (), "system"))


def _conversation(fields: Fields) -> list[Message]:
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise _unsupported("messages", "at least one message is required")
    messages = []
    for nth, item in enumerate(items):
        path = ("messages", nth)
        message = Fields(item, path)
        role = message.choice("role", ("user", "assistant"))
        if nth == 0 and role != "user":
            raise _unsupported("messages", 'first message must use the "user" role')
        parts = _parts(message, "content", path, role)
        is_prefill = role == "assistant" and nth == len(items) - 1
        if not is_prefill and not any(part.text for part in parts) and not _has_results(item):
            complaint = (
                "all messages must have non-empty content except for the optional final assistant message"
            )
            raise BadField(path, "unsupported", complaint)
        messages.append(Message("tool" if role == "user" and _only_results(item) else role, parts))
    return messages


def _parts(holder: Fields, key: str, path: Path, role: str) -> tuple[Part, ...]:
    """The content blocks of a message; a string is one block."""
    value = holder.require(key)
    if isinstance(value, str):
        return (Part(value),)
    if not isinstance(value, list):
        raise BadField((*path, key), "type", "string", value)
    return tuple(_part(Fields(block, (*path, key, nth)), role) for nth, block in enumerate(value))


def _part(block: Fields, role: str) -> Part:
    match block.choice("type", _BLOCKS[role]):
        case "text":
            text = block.text("text")
            if not text:
                raise _unsupported("messages", "text content blocks must be non-empty")
        case "thinking":
            text = block.text("thinking")
        case "redacted_thinking":
            text = block.text("data")
        case "tool_use":
            block.text("id")
            block.require("input")
            text = canonical({"name": block.text("name"), "arguments": block.read("input", "object")})
        case _:
            block.text("tool_use_id")
            block.flag("is_error")
            text = block.content("content") if block.present("content") else ""
    return Part(text, _cache(block))


def _has_results(item: dict[str, Any]) -> bool:
    content = item.get("content")
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)


def _only_results(item: dict[str, Any]) -> bool:
    """Whether a message is nothing but results of tools; its blocks have been read before."""
    content = item.get("content")
    return (
        isinstance(content, list)
        and bool(content)
        and all(block.get("type") == "tool_result" for block in content)
    )


def _cache(holder: Fields) -> CacheTtl | None:
    if not holder.present("cache_control"):
        return None
    control = holder.inner("cache_control")
    control.choice("type", ("ephemeral",))
    if not control.present("ttl"):
        return "5m"
    return cast("CacheTtl", control.choice("ttl", ("5m", "1h")))


def _check_breakpoints(messages: list[Message]) -> None:
    ttls = breakpoints(messages)
    if len(ttls) > _MOST_BREAKPOINTS:
        raise BadField(
            (),
            "unsupported",
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(ttls)}.",
        )
    if "5m" in ttls and "1h" in ttls[ttls.index("5m") :]:
        raise BadField(
            ("cache_control", "ttl"),
            "unsupported",
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that "
            "blocks are processed in the following order: `tools`, `system`, `messages`.",
        )


def _each(fields: Fields, key: str) -> Iterator[Fields]:
    return (Fields(item, (key, nth)) for nth, item in enumerate(fields.items(key)))


def _unsupported(name: str, complaint: str) -> BadField:
    return BadField((name,), "unsupported", complaint)
