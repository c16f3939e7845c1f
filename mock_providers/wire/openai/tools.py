"""OpenAI's tools and response formats: definitions, which tool must be called, the reply's JSON schema."""

import re
from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Part, Tool
from ..fields import Fields
from ..prompt_text import definition_text

_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object", "json_schema")
_NAME = "^[a-zA-Z0-9_-]{1,64}$"
_MOST_TOOLS = 128
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


def read_tools(fields: Fields) -> tuple[tuple[Tool, ...], tuple[Message, ...]]:
    """The tools, and the message with their definitions that precedes the prompt; raises BadField."""
    if not fields.present("tools"):
        return (), ()
    items = fields.items("tools")
    if not 1 <= len(items) <= _MOST_TOOLS:
        complaint = f"expected an array of 1 to {_MOST_TOOLS} tools, but got {len(items)}."
        raise BadField(("tools",), "unsupported", complaint)
    tools, definitions = [], []
    for nth, item in enumerate(items):
        function = read_function(Fields(item, ("tools", nth)))
        name = check_name(function)
        schema = function.read("parameters", "object")
        text = definition_text(name, function.read("description", "string"), schema)
        tools.append(Tool(name, _NO_ARGUMENTS if schema is None else schema))
        definitions.append(Part(text))
    return tuple(tools), (Message("tools", tuple(definitions)),)


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, bool]:
    """`Request.tool_choice`, and whether parallel calls are allowed; raises BadField."""
    for name in ("tool_choice", "parallel_tool_calls"):
        if fields.present(name) and not tools:
            raise BadField((name,), "unsupported", "only allowed when 'tools' are specified.")
    several = fields.read("parallel_tool_calls", "boolean") is not False
    if not fields.present("tool_choice"):
        return "auto", several
    if isinstance(fields.require("tool_choice"), str):
        return fields.choice("tool_choice", _CHOICES), several
    named = read_function(fields.inner("tool_choice")).text("name")
    if all(tool.name != named for tool in tools):
        complaint = f"no function named '{named}' was specified in the 'tools' parameter."
        raise BadField(("tool_choice",), "unsupported", complaint)
    return named, several


def read_json_schema(fields: Fields) -> dict[str, Any] | None:
    """The JSON schema of the reply: `{}` for any object, None for plain text; raises BadField."""
    if not fields.present("response_format"):
        return None
    response_format = fields.inner("response_format")
    kind = response_format.choice("type", _FORMATS)
    if kind == "text":
        return None
    if kind == "json_object":
        return {}
    response_format.require("json_schema")
    described = response_format.inner("json_schema")
    check_name(described)
    described.flag("strict")
    described.require("schema")
    schema: dict[str, Any] = described.read("schema", "object")
    return schema


def read_function(holder: Fields) -> Fields:
    """The `function` object of a tool, a call or a tool choice; raises BadField."""
    holder.choice("type", ("function",))
    holder.require("function")
    return holder.inner("function")


def check_name(holder: Fields) -> str:
    """The `name` of a tool or a schema; raises BadField for characters that none may have."""
    name = holder.text("name")
    if not re.fullmatch(_NAME, name):
        complaint = f"string does not match pattern. Expected a string that matches '{_NAME}'."
        raise BadField((*holder.path, "name"), "unsupported", complaint)
    return name
