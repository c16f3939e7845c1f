"""Anthropic's tools and output formats: definitions, which tool must be called, the reply's JSON schema."""

import re
from collections.abc import Iterator
from typing import Any

from ...exchange.request import Message, Part, Tool
from ..fields import Fields, unsupported
from ..prompt_text import definition_text
from .cache_control import read_cache_control
from .typed_tools import kind_of, schema_of

_TOOL_NAME = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_tool_definitions(fields: Fields) -> Iterator[Message]:
    """The message with the tool definitions, nothing without tools; raises BadField."""
    parts = []
    for tool in _each(fields, "tools"):
        name, description = _name_of(tool), tool.read("description", "string")
        schema = tool.read("input_schema", "object")
        if tool.present("type") and schema is None:  # a typed tool: its type stands for its definition
            description = tool.text("type")
        parts.append(Part(definition_text(name, description, schema), read_cache_control(tool)))
    if parts:
        yield Message("tools", tuple(parts))


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """The tools that the model may call, without those that the provider runs; raises BadField."""
    tools, names = [], []
    for tool in _each(fields, "tools"):
        schema = schema_of(tool, kind_of(tool))
        name = _name_of(tool)
        if not re.fullmatch(_TOOL_NAME, name):
            raise unsupported("tools", f"String should match pattern '{_TOOL_NAME}'")
        names.append(name)
        if schema is not None:
            tools.append(Tool(name, schema))
    if len(set(names)) < len(names):
        raise unsupported("tools", "Tool names must be unique.")
    return tuple(tools)


def _name_of(tool: Fields) -> str:
    """The name of a tool; a set of tools has none of its own."""
    if not tool.present("name") and kind_of(tool).endswith("_toolset"):
        server = tool.read("mcp_server_name", "string")
        return f"{kind_of(tool)}_{server}" if server else kind_of(tool)
    return tool.text("name")


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, bool]:
    """`Request.tool_choice`, and whether parallel calls are allowed; raises BadField."""
    if not fields.present("tool_choice"):
        return "auto", True
    if not fields.items("tools"):
        raise unsupported("tool_choice", "may only be specified while providing tools")
    choice = fields.inner("tool_choice")
    kind = choice.choice("type", (*_CHOICES, "tool"))
    several = not choice.flag("disable_parallel_tool_use")
    if kind != "tool":
        return _CHOICES[kind] if tools else "auto", several
    name = choice.text("name")
    if all(_name_of(tool) != name for tool in _each(fields, "tools")):
        raise unsupported("tool_choice.name", f"Tool '{name}' not found in provided tools")
    return name if any(tool.name == name for tool in tools) else "auto", several


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
