"""Anthropic's tools and output formats: definitions, which tool must be called, the reply's JSON schema."""

import re
from collections.abc import Iterator
from typing import Any

from ...exchange.request import Message, Part, Tool
from ..fields import Fields, unsupported
from ..prompt_text import definition_text
from .cache_control import read_cache_control

_TOOL_NAME = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_tool_definitions(fields: Fields) -> Iterator[Message]:
    """The message with the tool definitions, nothing without tools; raises BadField."""
    parts = []
    for tool in _each(fields, "tools"):
        name, description = tool.text("name"), tool.read("description", "string")
        text = definition_text(name, description, tool.read("input_schema", "object"))
        parts.append(Part(text, read_cache_control(tool)))
    if parts:
        yield Message("tools", tuple(parts))


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """The tools; raises BadField."""
    tools = []
    for tool in _each(fields, "tools"):
        if tool.present("type"):
            tool.choice("type", ("custom",))
        name = tool.text("name")
        if not re.fullmatch(_TOOL_NAME, name):
            raise unsupported("tools", f"String should match pattern '{_TOOL_NAME}'")
        tool.require("input_schema")
        tool.inner("input_schema").choice("type", ("object",))
        tools.append(Tool(name, tool.read("input_schema", "object")))
    if len({tool.name for tool in tools}) < len(tools):
        raise unsupported("tools", "Tool names must be unique.")
    return tuple(tools)


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, bool]:
    """`Request.tool_choice`, and whether parallel calls are allowed; raises BadField."""
    if not fields.present("tool_choice"):
        return "auto", True
    if not tools:
        raise unsupported("tool_choice", "may only be specified while providing tools")
    choice = fields.inner("tool_choice")
    kind = choice.choice("type", (*_CHOICES, "tool"))
    several = not choice.flag("disable_parallel_tool_use")
    if kind != "tool":
        return _CHOICES[kind], several
    name = choice.text("name")
    if all(tool.name != name for tool in tools):
        raise unsupported("tool_choice.name", f"Tool '{name}' not found in provided tools")
    return name, several


def read_json_schema(fields: Fields) -> dict[str, Any] | None:
    """The JSON schema of the reply, from `output_config.format` or `output_format`; None without one."""
    for holder, key in ((fields.inner("output_config"), "format"), (fields, "output_format")):
        if holder.present(key):
            output_format = holder.inner(key)
            output_format.choice("type", ("json_schema",))
            output_format.require("schema")
            schema: dict[str, Any] = output_format.read("schema", "object")
            return schema
    return None


def _each(fields: Fields, key: str) -> Iterator[Fields]:
    return (Fields(item, (key, nth)) for nth, item in enumerate(fields.items(key)))
