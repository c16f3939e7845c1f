"""Reads tools, `tool_choice` and `response_format` of a chat completion request."""

from typing import Any

from ..core.request import Tool
from .fields import BadRequest, nothing_else, schema, take, text

CHOICES = ("auto", "none", "required")


def read_tools(value: Any) -> tuple[Tool, ...]:
    """The functions offered. Raises `BadRequest`."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadRequest("'tools' must be an array.", "tools")
    tools = tuple(_tool(tool, f"tools[{n}]") for n, tool in enumerate(value))
    if len({tool.name for tool in tools}) < len(tools):
        raise BadRequest("Tool names must be unique.", "tools")
    return tools


def _tool(tool: Any, where: str) -> Tool:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise BadRequest(f"'{where}.type' must be 'function'.", f"{where}.type")
    name = text(tool.get("function"), "name", f"{where}.function")
    if name in CHOICES:
        raise BadRequest(f"A tool may not be named '{name}'.", f"{where}.function.name")
    function, where = dict(tool["function"]), f"{where}.function."
    del function["name"]
    read = Tool(
        name,
        take(function, "description", str, "", where),
        schema(function, "parameters", where),
        take(function, "strict", bool, False, where),
    )
    nothing_else(function, where)
    return read


def read_tool_choice(value: Any, tools: tuple[Tool, ...]) -> str:
    """`tool_choice` as a field of `Request`. Raises `BadRequest`."""
    if value is None or (not tools and value in ("auto", "none")):
        return "auto"
    if not tools:
        raise BadRequest("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if isinstance(value, str) and value in CHOICES:
        return value
    named = value.get("function") if isinstance(value, dict) and value.get("type") == "function" else None
    name = text(named, "name", "tool_choice.function")
    if all(tool.name != name for tool in tools):
        raise BadRequest(f"Tool '{name}' is not among the 'tools'.", "tool_choice")
    return name


def read_format(value: Any) -> dict[str, Any]:
    """`response_format` as fields of `Request`. Raises `BadRequest`."""
    if value is None:
        return {}
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"json_schema": {}}
    spec = value.get("json_schema") if kind == "json_schema" else None
    if not isinstance(spec, dict):
        message = "'response_format.type' must be one of text, json_object, json_schema."
        raise BadRequest(message, "response_format")
    spec, where = dict(spec), "response_format.json_schema."
    read = {
        "json_schema": schema(spec, "schema", where),
        "json_strict": take(spec, "strict", bool, False, where),
        "json_name": take(spec, "name", str, "", where),
        "json_description": take(spec, "description", str, "", where),
    }
    nothing_else(spec, where)
    return read
