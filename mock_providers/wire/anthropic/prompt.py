"""Reads the prompt of a messages request: tool definitions, system prompt, messages.

Every content block becomes a Part, so prompt cache breakpoints stay where the client put them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...exchange.bad_field import BadField, Path
from ...exchange.media.media import Media
from ...exchange.request import CacheTtl, Message, Part, ToolResult, ToolUse
from ..fields import Fields, unsupported
from ..prompt_text import call_text
from .cache_control import check_breakpoints, read_cache_control
from .media import MEDIA_BLOCKS, read_document, read_image
from .tools import read_tool_definitions

_BLOCKS = {
    "system": ("text",),
    "user": ("text", "tool_result", *MEDIA_BLOCKS),
    "assistant": ("text", "thinking", "redacted_thinking", "tool_use"),
}


def read_prompt(fields: Fields) -> tuple[Message, ...]:
    """Tool definitions, system prompt and messages, in the order of the prompt cache; raises BadField."""
    messages = [*read_tool_definitions(fields), *_system(fields), *_conversation(fields)]
    last = messages[-1]
    if last.role == "assistant" and last.text != last.text.rstrip():
        raise unsupported("messages", "final assistant content cannot end with trailing whitespace")
    automatic = read_cache_control(fields)
    if automatic and last.parts and last.parts[-1].cache is None:
        marked = last.parts[-1]._replace(cache=automatic)
        messages[-1] = Message(last.role, (*last.parts[:-1], marked))
    check_breakpoints(messages)
    return tuple(messages)


def _system(fields: Fields) -> Iterator[Message]:
    if fields.present("system"):
        yield Message("system", _parts(fields, "system", (), "system"))


def _conversation(fields: Fields) -> list[Message]:
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise unsupported("messages", "at least one message is required")
    messages = []
    for nth, item in enumerate(items):
        path = ("messages", nth)
        message = Fields(item, path)
        role = message.choice("role", ("user", "assistant", "system"))
        if nth == 0 and role == "assistant":
            raise unsupported("messages", 'first message must use the "user" role')
        parts = _parts(message, "content", path, role)
        is_prefill = role == "assistant" and nth == len(items) - 1
        message_read = Message(role, parts)
        if not is_prefill and not any(part.text or part.about for part in parts):
            complaint = (
                "all messages must have non-empty content except for the optional final assistant message"
            )
            raise BadField(path, "unsupported", complaint)
        messages.append(replace(message_read, role="tool") if _only_results(item) else message_read)
    return messages


def _only_results(item: dict[str, Any]) -> bool:
    """Whether all blocks of a message, already read, are tool results."""
    content = item.get("content")
    return isinstance(content, list) and all(block.get("type") == "tool_result" for block in content)


def _parts(holder: Fields, key: str, path: Path, role: str) -> tuple[Part, ...]:
    """The content blocks of a message; a string is one block."""
    value = holder.require(key)
    if isinstance(value, str):
        return (Part(value),)
    if not isinstance(value, list):
        raise BadField((*path, key), "type", "string", value)
    blocks = [Fields(block, (*path, key, nth)) for nth, block in enumerate(value)]
    return tuple(part for block in blocks for part in _block_parts(block, role))


def _block_parts(block: Fields, role: str) -> Iterator[Part]:
    """A block; a result with media is several parts, the breakpoint after the last."""
    cache = read_cache_control(block)
    if block.choice("type", _BLOCKS[role]) != "tool_result":
        yield _part(block, cache)
        return
    *first, last = _result_parts(block)
    yield from (*first, last._replace(cache=cache))


def _part(block: Fields, cache: CacheTtl | None) -> Part:
    about: ToolUse | Media | None = None
    match block.text("type"):
        case "text":
            text = block.text("text")
            if not text:
                raise unsupported("messages", "text content blocks must be non-empty")
        case "thinking":
            text = block.text("thinking")
        case "redacted_thinking":
            text = block.text("data")
        case "tool_use":
            about = ToolUse(block.text("name"), block.text("id"))
            block.require("input")
            text = call_text(about.name, block.read("input", "object"))
        case kind:
            text, about = "", read_image(block) if kind == "image" else read_document(block)
    return Part(text, cache, about)


def _result_parts(block: Fields) -> list[Part]:
    """The texts of a result as one part, then its media."""
    result = ToolResult(block.text("tool_use_id"), block.flag("is_error"))
    if not block.present("content") or isinstance(block.require("content"), str):
        return [Part(block.text("content") if block.present("content") else "", about=result)]
    items = block.items("content")
    texts, media = [], []
    for nth, item in enumerate(items):
        inner = Fields(item, (*block.path, "content", nth))
        if inner.choice("type", ("text", *MEDIA_BLOCKS)) == "text":
            texts.append(inner.text("text"))
        else:
            media.append(_part(inner, None))
    return [Part("\n".join(texts), about=result), *media]
