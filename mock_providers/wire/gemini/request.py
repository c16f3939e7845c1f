"""Reads the JSON of a generateContent request, or of a request to count its tokens, to a Request."""

from dataclasses import replace

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Part, Request, Tool, digest_of
from ..fields import names
from .camel_fields import CamelFields
from .prompt import read_contents, read_parts
from .thinking import read_thinking
from .tools import read_declarations, read_json_schema, read_tool_choice

_TOP = names(
    """
    cachedContent contents generationConfig labels model safetySettings serviceTier store systemInstruction
    toolConfig tools
    """
)
_CONFIG = names(
    """
    audioTimestamp candidateCount enableAffectiveDialog enableEnhancedCivicAnswers frequencyPenalty
    imageConfig logprobs maxOutputTokens mediaResolution modelConfig presencePenalty
    responseJsonSchema responseLogprobs responseMimeType responseModalities responseSchema
    routingConfig seed speechConfig stopSequences temperature thinkingConfig topK topP
    """
)
_NOT_IN_DIGEST = names("labels model serviceTier service_tier store")
_MOST_CANDIDATES = 8


def read_request(body: object, model: str) -> Request:
    """Read a generateContent request for `model`; raises BadField."""
    fields = CamelFields(body)
    fields.only(_TOP)
    request = _prompt(fields, body, model)
    config = fields.inner("generationConfig")
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
        json_schema=read_json_schema(config),
        thinking=read_thinking(config),
    )


def read_count_request(body: object, model: str) -> Request:
    """Read a countTokens request: `contents`, or a whole `generateContentRequest`; raises BadField."""
    fields = CamelFields(body)
    if fields.present("generateContentRequest"):
        return read_request(fields.read("generateContentRequest", "object"), model)
    fields.only(names("contents model generateContentRequest"))
    return _prompt(fields, body, model)


def _prompt(fields: CamelFields, body: object, model: str) -> Request:
    tools: list[Tool] = []
    definitions: list[Part] = []
    for tool, part in read_declarations(fields):
        tools.append(tool)
        definitions.append(part)
    tool_choice, callable_tools = read_tool_choice(fields, tuple(tools))
    messages = [Message("tools", tuple(definitions))] if definitions else []
    if fields.present("systemInstruction"):
        system = fields.inner("systemInstruction")
        messages.append(Message("system", read_parts(system, ("systemInstruction",))[0]))
    resolution = fields.inner("generationConfig").read("mediaResolution", "string") or ""
    return Request(
        model=model,
        messages=(*messages, *read_contents(fields, resolution)),
        digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
        include_usage=True,
        tools=callable_tools,
        tool_choice=tool_choice,
    )
