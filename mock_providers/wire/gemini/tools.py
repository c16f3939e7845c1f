"""Gemini's functions and response schema: declarations, the calling mode, the reply's JSON schema."""

from collections.abc import Iterator
from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Part, Tool
from ..prompt_text import definition_text
from .camel_fields import CamelFields

_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}
_DEEPEST_SCHEMA = 32


def read_declarations(fields: CamelFields) -> Iterator[tuple[Tool, Part]]:
    """Each function declaration as a Tool, and as prompt text; raises BadField."""
    for nth, item in enumerate(fields.items("tools")):
        group = CamelFields(item, ("tools", nth))
        for which, each in enumerate(group.items("functionDeclarations")):
            declared = CamelFields(each, ("tools", nth, "functionDeclarations", which))
            name, description = declared.text("name"), declared.read("description", "string")
            schema = declared.read("parametersJsonSchema", "object") or declared.read("parameters", "object")
            text = definition_text(name, description, schema)
            yield Tool(name, _standard_schema(schema or {"type": "object"})), Part(text)


def read_tool_choice(fields: CamelFields, tools: tuple[Tool, ...]) -> tuple[str, tuple[Tool, ...]]:
    """`Request.tool_choice`, and the tools that may be called; raises BadField."""
    config = fields.inner("toolConfig").inner("functionCallingConfig")
    mode = config.choice("mode", tuple(_MODES)) if config.present("mode") else "AUTO"
    allowed = config.texts("allowedFunctionNames")
    path = ("toolConfig", "functionCallingConfig")
    if mode == "ANY" and not tools:
        raise BadField(path, "unsupported", "mode ANY needs function declarations")
    declared = frozenset(tool.name for tool in tools)
    for name in allowed:
        if name not in declared:
            raise BadField(path, "unsupported", f"no function declaration is named {name}")
    if mode == "ANY" and len(allowed) == 1:
        return allowed[0], tools
    chosen = frozenset(allowed) or declared
    return _MODES[mode], tuple(tool for tool in tools if tool.name in chosen)


def read_json_schema(config: CamelFields) -> dict[str, Any] | None:
    """The JSON schema of the reply: `{}` for any JSON object, None for plain text; raises BadField."""
    if config.read("responseMimeType", "string") != "application/json":
        return None
    schema = config.read("responseJsonSchema", "object") or config.read("responseSchema", "object") or {}
    json_schema: dict[str, Any] = _standard_schema(schema)
    return json_schema


def _standard_schema(value: Any, depth: int = 0) -> Any:
    """A schema with type names in lower case, as in JSON Schema: Gemini's own are in upper case."""
    if depth > _DEEPEST_SCHEMA:
        raise BadField(("schema",), "unsupported", "too many levels of nesting")
    if isinstance(value, list):
        return [_standard_schema(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: each.lower() if key == "type" and isinstance(each, str) else _standard_schema(each, depth + 1)
        for key, each in value.items()
    }
