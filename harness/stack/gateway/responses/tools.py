"""Reads tools, `tool_choice` and `text.format` of a request for a response, in the form of chat completions.

A custom tool, which takes any text, becomes a function with that text as its only argument.
"""

from typing import Any

from ...core.request import Tool
from ..fields import BadRequest, nothing_else, take, text
from ..tools import CHOICES, read_format, read_tools

Json = dict[str, Any]
CUSTOM_SCHEMA: Json = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def read_response_tools(value: Any) -> tuple[tuple[Tool, ...], frozenset[str]]:
    """The tools as functions, and the names of those that are custom tools. Raises `BadRequest`."""
    if value is None:
        return (), frozenset()
    if not isinstance(value, list):
        raise BadRequest("'tools' must be an array.", "tools")
    given = [_function(tool, f"tools[{nth}]") for nth, tool in enumerate(value)]
    try:
        tools = read_tools(given)
    except BadRequest as error:
        raise flattened(error) from None
    return tools, frozenset(tool["name"] for tool in value if tool["type"] == "custom")


def _function(tool: Any, where: str) -> Json:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind not in ("function", "custom"):
        message = f"'{where}.type' must be function or custom: this gateway runs no tools of its own."
        raise BadRequest(message, f"{where}.type")
    function = {name: tool[name] for name in tool if name != "type"}
    if kind == "custom":
        function.pop("format", None)
        return {"type": "function", "function": {**function, "parameters": CUSTOM_SCHEMA}}
    return {"type": "function", "function": function}


def flattened(error: BadRequest) -> BadRequest:
    """The same error with the names of the Responses API, whose tools have no object `function`."""
    param = None if error.param is None else error.param.replace(".function", "")
    return BadRequest(str(error).replace(".function", ""), param)


def read_response_choice(value: Any, tools: tuple[Tool, ...]) -> tuple[str, tuple[Tool, ...]]:
    """`tool_choice` as a field of `Request`, and the tools to offer: those allowed. Raises `BadRequest`."""
    if value is None or (not tools and value in ("auto", "none")):
        return "auto", tools
    if isinstance(value, str) and value in CHOICES and tools:
        return value, tools
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("function", "custom"):
        return _known(value, tools, "tool_choice"), tools
    if kind != "allowed_tools":
        message = (
            f"'tool_choice' must be one of {', '.join(CHOICES)}, or of type function, custom, allowed_tools."
        )
        raise BadRequest(message, "tool_choice")
    mode = value.get("mode")
    if mode not in ("auto", "required"):
        raise BadRequest("'tool_choice.mode' must be auto or required.", "tool_choice.mode")
    allowed = value.get("tools")
    if not isinstance(allowed, list):
        raise BadRequest("'tool_choice.tools' must be an array.", "tool_choice.tools")
    names = {_known(tool, tools, f"tool_choice.tools[{nth}]") for nth, tool in enumerate(allowed)}
    return mode, tuple(tool for tool in tools if tool.name in names)


def _known(choice: Any, tools: tuple[Tool, ...], where: str) -> str:
    name = text(choice, "name", where)
    if all(tool.name != name for tool in tools):
        raise BadRequest(f"Tool '{name}' is not among the 'tools'.", where)
    return name


def read_text(value: Any) -> tuple[Json, Json]:
    """`text` as fields of `Request`, and as parameters. Raises `BadRequest`."""
    if value is None:
        return {}, {}
    if not isinstance(value, dict):
        raise BadRequest("'text' must be an object.", "text")
    fields = dict(value)
    form = take(fields, "format", dict, None, "text.")
    verbosity = take(fields, "verbosity", str, None, "text.")
    nothing_else(fields, "text.")
    if form is not None and form.get("type") == "json_schema":
        form = {"type": "json_schema", "json_schema": {name: form[name] for name in form if name != "type"}}
    try:
        read = read_format(form)
    except BadRequest as error:
        raise BadRequest(_own_names(str(error)), _own_names(error.param or "text.format")) from None
    return read, {} if verbosity is None else {"verbosity": verbosity}


def _own_names(text: str) -> str:
    """A sentence or a field of chat completions with the names that the Responses API has instead."""
    for name in ("response_format.json_schema", "response_format"):
        text = text.replace(name, "text.format")
    return text
