"""Reads the contents of a generateContent request."""

from collections.abc import Iterator

from ...exchange.bad_field import BadField, Path
from ...exchange.request import Message, Part, ToolResult, ToolUse
from ..fields import canonical
from ..prompt_text import call_text
from .camel_fields import CamelFields


def read_contents(fields: CamelFields) -> Iterator[Message]:
    """The messages of `contents`; raises BadField."""
    fields.require("contents")
    items = fields.items("contents")
    if not items:
        raise BadField(("contents",), "missing")
    for nth, item in enumerate(items):
        content = CamelFields(item, ("contents", nth))
        role = content.choice("role", ("user", "model", "function")) if content.present("role") else "user"
        parts, only_results = read_parts(content, ("contents", nth))
        yield Message("assistant" if role == "model" else "tool" if only_results else "user", parts)


def read_parts(content: CamelFields, path: Path) -> tuple[tuple[Part, ...], bool]:
    """The parts of one content at `path`, and whether all are function results; raises BadField."""
    content.require("parts")
    if not (items := content.items("parts")):
        raise BadField((*path, "parts"), "missing")
    parts, results = [], 0
    for nth, item in enumerate(items):
        part = CamelFields(item, (*path, "parts", nth))
        if part.present("functionCall"):
            call = part.inner("functionCall")
            name = call.text("name")
            text = call_text(name, call.read("args", "object") or {})
            parts.append(Part(text, about=ToolUse(name, call.read("id", "string") or name)))
        elif part.present("functionResponse"):
            result = part.inner("functionResponse")
            call_id = result.read("id", "string") or result.text("name")
            response = result.read("response", "object") or {}
            parts.append(Part(canonical(response), about=ToolResult(call_id, "error" in response)))
            results += 1
        else:
            parts.append(Part(part.text("text")))
    return tuple(parts), results == len(parts)
