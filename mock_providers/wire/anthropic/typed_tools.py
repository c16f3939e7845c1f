"""Anthropic's typed tools: known to the model by their type (`bash_20250124`), without a schema in the
request.

Sources: platform.claude.com/docs/en/agents-and-tools/tool-use/overview, the SDK's `ToolUnionParam`.

A client tool is run by the client, so the model may call it; its schema here allows calls that read only. A
server tool is run by the provider: it counts as prompt text and is not called, as there is nothing behind it.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..fields import Fields

_TYPE = re.compile(r"(?P<kind>[a-z0-9_]+?)(_\d{8})?")
_CUSTOM = "custom"


def _one_of(**allowed: str) -> dict[str, Any]:
    properties = {name: {"type": "string", "enum": [value]} for name, value in allowed.items()}
    return {"type": "object", "properties": properties, "required": list(allowed)}


CLIENT_TOOLS: Mapping[str, Mapping[str, Any]] = {
    "bash": _one_of(command="ls"),
    "text_editor": _one_of(command="view", path="."),
    "memory": _one_of(command="view", path="/memories"),
    "computer": _one_of(action="screenshot"),
}
"""Schemas of the arguments of client tools, by kind."""
SERVER_TOOLS = frozenset(
    [
        "advisor",
        "browser_toolset",
        "code_execution",
        "computer_toolset",
        "mcp_toolset",
        "tool_search_tool_bm25",
        "tool_search_tool_regex",
        "web_fetch",
        "web_search",
    ]
)
"""Kinds of tools that the provider runs, or that are sets of tools."""


def kind_of(tool: Fields) -> str:
    """The kind of a tool, "custom" for one with a schema of its own; raises BadField for an unknown type."""
    if not tool.present("type"):
        return _CUSTOM
    match = _TYPE.fullmatch(tool.text("type"))
    kind = match["kind"] if match else ""
    if kind == _CUSTOM or kind in CLIENT_TOOLS or kind in SERVER_TOOLS:
        return kind
    return tool.choice("type", (_CUSTOM, *CLIENT_TOOLS, *sorted(SERVER_TOOLS)))


def schema_of(tool: Fields, kind: str) -> Mapping[str, Any] | None:
    """The schema of a tool's arguments; None for a server tool; raises BadField."""
    if kind != _CUSTOM:
        return CLIENT_TOOLS.get(kind)
    tool.require("input_schema")
    tool.inner("input_schema").choice("type", ("object",))
    schema: Mapping[str, Any] = tool.read("input_schema", "object")
    return schema
