"""The Responses API's tools, tool choice and text format: OpenAI's of chat completions, one level flatter.

Sources: `ToolParam`, `ToolChoiceAllowed` and `ResponseFormatTextJSONSchemaConfigParam` of the openai SDK.
"""

from collections.abc import Sequence
from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Part, Tool
from ..fields import Fields, canonical
from ..openai.tools import check_name
from ..prompt_text import definition_text

_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object", "json_schema")
_MOST_TOOLS = 128
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
_HOSTED = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
)
"""Tools that the provider runs itself. They are part of the prompt, and no reply uses them."""


def read_tools(fields: Fields) -> tuple[tuple[Tool, ...], tuple[Message, ...]]:
    """The functions and custom tools, and the message with all definitions; raises BadField."""
    items = fields.items("tools")
    if len(items) > _MOST_TOOLS:
        complaint = f"expected an array of at most {_MOST_TOOLS} tools, but got {len(items)}."
        raise BadField(("tools",), "unsupported", complaint)
    if not items:
        return (), ()
    tools: list[Tool] = []
    definitions = [_read_tool(Fields(item, ("tools", nth)), tools) for nth, item in enumerate(items)]
    return tuple(tools), (Message("tools", tuple(map(Part, definitions))),)


def _read_tool(tool: Fields, tools: list[Tool]) -> str:
    """The definition as prompt text; what the model may call is appended to `tools`."""
    kind = tool.choice("type", ("function", "custom", *_HOSTED))
    if kind not in ("function", "custom"):
        return canonical(tool.without())
    name, description = check_name(tool), tool.read("description", "string")
    if kind == "custom":
        tools.append(Tool(name, {}, free_text=True))
        return definition_text(name, description, tool.read("format", "object"))
    schema = tool.read("parameters", "object")
    tool.flag("strict")
    tools.append(Tool(name, _NO_ARGUMENTS if schema is None else schema))
    return definition_text(name, description, schema)


def read_tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, tuple[Tool, ...]]:
    """`Request.tool_choice`, and the tools that may be called; raises BadField."""
    if not fields.present("tool_choice"):
        return "auto", tools
    if isinstance(fields.require("tool_choice"), str):
        choice = fields.choice("tool_choice", _CHOICES)
        return choice, tools
    choice_fields = fields.inner("tool_choice")
    kind = choice_fields.choice("type", ("function", "custom", "allowed_tools", *_HOSTED))
    if kind == "allowed_tools":
        mode = choice_fields.choice("mode", ("auto", "required"))
        return mode, _allowed(choice_fields, tools)
    if kind in _HOSTED:
        complaint = f"this server runs no tools of its own, so that none of type '{kind}' can be forced."
        raise BadField(("tool_choice", "type"), "unsupported", complaint)
    return _named(choice_fields, tools), tools


def _allowed(choice: Fields, tools: Sequence[Tool]) -> tuple[Tool, ...]:
    given = [Fields(item, (*choice.path, "tools", nth)) for nth, item in enumerate(choice.items("tools"))]
    names = {_named(item, tools) for item in given if item.text("type") in ("function", "custom")}
    return tuple(tool for tool in tools if tool.name in names)


def _named(choice: Fields, tools: Sequence[Tool]) -> str:
    name = choice.text("name")
    if all(tool.name != name for tool in tools):
        complaint = f"no tool named '{name}' was specified in the 'tools' parameter."
        raise BadField(("tool_choice",), "unsupported", complaint)
    return name


def read_json_schema(fields: Fields) -> dict[str, Any] | None:
    """The JSON schema of `text.format`: `{}` for any object, None for plain text; raises BadField."""
    text = fields.inner("text")
    if not text.present("format"):
        return None
    form = text.inner("format")
    kind = form.choice("type", _FORMATS)
    if kind == "text":
        return None
    if kind == "json_object":
        return {}
    check_name(form)
    form.flag("strict")
    form.require("schema")
    schema: dict[str, Any] = form.read("schema", "object")
    return schema
