"""Reads the contents of a generateContent request."""

from collections.abc import Iterator

from ...exchange.bad_field import BadField, Path
from ...exchange.request import Message, Part, ToolResult, ToolUse
from ..fields import canonical
from ..prompt_text import call_text
from .camel_fields import CamelFields
from .media import read_media


def read_contents(fields: CamelFields, resolution: str = "") -> Iterator[Message]:
    """The messages of `contents`; raises BadField. `resolution`: as for `read_parts`."""
    fields.require("contents")
    items = fields.items("contents")
    if not items:
        raise BadField(("contents",), "missing")
    for nth, item in enumerate(items):
        content = CamelFields(item, ("contents", nth))
        role = content.choice("role", ("user", "model", "function")) if content.present("role") else "user"
        parts, only_results = read_parts(content, ("contents", nth), resolution)
        yield Message("assistant" if role == "model" else "tool" if only_results else "user", parts)


def read_parts(content: CamelFields, path: Path, resolution: str = "") -> tuple[tuple[Part, ...], bool]:
    """The parts of one content at `path`, and whether all are function results; raises BadField.

    `resolution`: the request's `mediaResolution` ("": the default).
    """
    content.require("parts")
    if not (items := content.items("parts")):
        raise BadField((*path, "parts"), "missing")
    parts: list[Part] = []
    results = 0
    for nth, item in enumerate(items):
        part = CamelFields(item, (*path, "parts", nth))
        parts += _parts(part, resolution)
        results += part.present("functionResponse")
    return tuple(parts), results == len(items)


def _parts(part: CamelFields, resolution: str) -> Iterator[Part]:
    """One part; a function's result may have media of its own."""
    if part.present("functionCall"):
        call = part.inner("functionCall")
        name = call.text("name")
        text = call_text(name, call.read("args", "object") or {})
        yield Part(text, about=ToolUse(name, call.read("id", "string") or name))
    elif part.present("functionResponse"):
        result = part.inner("functionResponse")
        call_id = result.read("id", "string") or result.text("name")
        response = result.read("response", "object") or {}
        yield Part(canonical(response), about=ToolResult(call_id, "error" in response))
        for nth, item in enumerate(result.items("parts")):
            yield Part("", about=read_media(CamelFields(item, (*result.path, "parts", nth)), resolution))
    elif media := read_media(part, resolution):
        yield Part("", about=media)
    else:
        yield Part(part.text("text"))
