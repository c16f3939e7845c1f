"""Reading a generateContent request: contents, tools and generation config to a Request.

Field names come in camel case or, as protocol buffers allow, in snake case.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...exchange.bad_field import BadField, Path
from ...exchange.request import Message, Part, Request, Tool, digest_of
from ..fields import Fields, canonical, names

_TOP = names(
    """
    cachedContent contents generationConfig labels model safetySettings serviceTier store systemInstruction
    toolConfig tools
    """
)
_CONFIG = names(
    """
    candidateCount frequencyPenalty logprobs maxOutputTokens mediaResolution presencePenalty
    responseJsonSchema responseLogprobs responseMimeType responseModalities responseSchema seed
    stopSequences temperature thinkingConfig topK topP
    """
)
_NOT_IN_DIGEST = names("labels model serviceTier service_tier store")
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}
_MOST_CANDIDATES = 8
_DEEPEST_SCHEMA = 32


def read_generate(body: object, model: str) -> Request:
    """A request for a reply; raises BadField."""
    fields = _fields(body, ())
    fields.only(_TOP)
    request = _prompt(fields, body, model)
    config = _inner(fields, "generationConfig")
    config.only(_CONFIG)
    for name in ("temperature", "topP", "topK", "frequencyPenalty", "presencePenalty"):
        config.read(name, "number")
    n = config.at_least("candidateCount", 1) or 1
    if n > _MOST_CANDIDATES:
        complaint = f"must be at most {_MOST_CANDIDATES}"
        raise BadField(("generationConfig", "candidateCount"), "unsupported", complaint)
    return replace(
        request,
        max_tokens=config.at_least("maxOutputTokens", 1),
        stop=config.texts("stopSequences"),
        n=n,
        json_schema=_json_schema(config),
    )


def read_counted(body: object, model: str) -> Request:
    """A prompt whose tokens are to be counted: `contents`, or a whole `generateContentRequest`."""
    fields = _fields(body, ())
    if fields.present("generateContentRequest"):
        return read_generate(fields.read("generateContentRequest", "object"), model)
    fields.only(names("contents model generateContentRequest"))
    return _prompt(fields, body, model)


def _prompt(fields: Fields, body: object, model: str) -> Request:
    tools: list[Tool] = []
    definitions: list[Part] = []
    for tool, part in _declarations(fields):
        tools.append(tool)
        definitions.append(part)
    tool_choice, callable_tools = _tool_choice(fields, tuple(tools))
    messages = [Message("tools", tuple(definitions))] if definitions else []
    if fields.present("systemInstruction"):
        system = _inner(fields, "systemInstruction")
        messages.append(Message("system", _parts(system, ("systemInstruction",))[0]))
    return Request(
        model=model,
        messages=(*messages, *_contents(fields)),
        digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
        include_usage=True,
        tools=callable_tools,
        tool_choice=tool_choice,
    )


def _contents(fields: Fields) -> Iterator[Message]:
    fields.require("contents")
    items = fields.items("contents")
    if not items:
        raise BadField(("contents",), "missing")
    for nth, item in enumerate(items):
        content = _fields(item, ("contents", nth))
        role = content.choice("role", ("user", "model", "function")) if content.present("role") else "user"
        parts, only_results = _parts(content, ("contents", nth))
        yield Message("assistant" if role == "model" else "tool" if only_results else "user", parts)


def _parts(content: Fields, path: Path) -> tuple[tuple[Part, ...], bool]:
    """The parts of a content, and whether they are nothing but results of functions."""
    content.require("parts")
    if not (items := content.items("parts")):
        raise BadField((*path, "parts"), "missing")
    parts, results = [], 0
    for nth, item in enumerate(items):
        part = _fields(item, (*path, "parts", nth))
        if part.present("functionCall"):
            call = _inner(part, "functionCall")
            called = {"name": call.text("name"), "arguments": call.read("args", "object") or {}}
            parts.append(Part(canonical(called)))
        elif part.present("functionResponse"):
            result = _inner(part, "functionResponse")
            result.text("name")
            parts.append(Part(canonical(result.read("response", "object") or {})))
            results += 1
        else:
            parts.append(Part(part.text("text")))
    return tuple(parts), results == len(parts)


def _declarations(fields: Fields) -> Iterator[tuple[Tool, Part]]:
    for nth, item in enumerate(fields.items("tools")):
        group = _fields(item, ("tools", nth))
        for which, each in enumerate(group.items("functionDeclarations")):
            declared = _fields(each, ("tools", nth, "functionDeclarations", which))
            name, description = declared.text("name"), declared.read("description", "string")
            schema = declared.read("parametersJsonSchema", "object") or declared.read("parameters", "object")
            told = {"name": name, "description": description, "parameters": schema}
            text = canonical({key: value for key, value in told.items() if value is not None})
            yield Tool(name, _json_schema_of(schema or {"type": "object"})), Part(text)


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[str, tuple[Tool, ...]]:
    """The choice in a Request's words, and the tools that it leaves."""
    config = _inner(_inner(fields, "toolConfig"), "functionCallingConfig")
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


def _json_schema(config: Fields) -> dict[str, Any] | None:
    if config.read("responseMimeType", "string") != "application/json":
        return None
    schema = config.read("responseJsonSchema", "object") or config.read("responseSchema", "object") or {}
    normal: dict[str, Any] = _json_schema_of(schema)
    return normal


def _json_schema_of(value: Any, depth: int = 0) -> Any:
    """A schema with the names of types as JSON Schema writes them: Gemini's own are in upper case."""
    if depth > _DEEPEST_SCHEMA:
        raise BadField(("schema",), "unsupported", "too many levels of nesting")
    if isinstance(value, list):
        return [_json_schema_of(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: each.lower() if key == "type" and isinstance(each, str) else _json_schema_of(each, depth + 1)
        for key, each in value.items()
    }


def _inner(fields: Fields, key: str) -> Fields:
    return _fields(fields.read(key, "object") or {}, (*fields.path, key))


def _fields(value: Any, path: Path) -> Fields:
    """The fields of an object, their names in camel case."""
    if isinstance(value, dict):
        value = {
            re.sub(r"_([a-z])", lambda match: match[1].upper(), key): each for key, each in value.items()
        }
    return Fields(value, path)
