"""Reads the JSON of a request for a response to a Request."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...exchange.bad_field import BadField
from ...exchange.request import Message, Request, digest_of
from ..fields import Fields
from ..openai.request import read_service_tier
from .items import FindItem, Json, identity_of, read_items
from .prompt import read_conversation
from .settings import NOT_IN_DIGEST, check_settings, echoed, read_effort, read_include
from .tools import read_json_schema, read_tool_choice, read_tools

_LEAST_OUTPUT_TOKENS = 16
_NEVER_REASONS = re.compile(r"(gpt-3|gpt-4|chatgpt)")
"""Source: developers.openai.com/api/docs/guides/reasoning: reasoning models are GPT-5, o1 and their
successors.
"""
_THOUGHT_TOKENS: Mapping[str, int] = {
    "none": 0,
    "minimal": 0,
    "low": 32,
    "medium": 96,
    "high": 256,
    "xhigh": 512,
    "max": 1024,
}
"""Reasoning tokens by effort: our choice."""


class Known(NamedTuple):
    """All that a request may refer to: a stored item by its id, and the items of an earlier response.

    `items_of` raises Refused for an unknown response.
    """

    find_item: FindItem
    items_of: Callable[[str], Sequence[Json]]


@dataclass(frozen=True)
class ResponseRequest(Request):
    """A request for a response.

    - `context`: the items of the responses before; `items`: its own
    - `settings`: the fields of the response that repeat the request
    - `include`: what the response has besides the usual
    - `summary`: the kind of reasoning summary, None: no summary
    - `store`: whether the response can be retrieved
    - `background`: whether it is generated while nobody waits
    """

    context: tuple[Json, ...] = ()
    items: tuple[Json, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    include: frozenset[str] = frozenset()
    summary: str | None = None
    store: bool = True
    background: bool = False


def read_request(body: object, known: Known, *, obfuscation: bool) -> ResponseRequest:
    """Read the JSON of a request; raises BadField and Refused.

    `obfuscation`: the provider pads its deltas unless the request declines.
    """
    fields = Fields(body)
    raw: Json = body if isinstance(body, dict) else {}
    check_settings(fields)
    model = fields.text("model")
    effort, summary = read_effort(fields, reasons=not _NEVER_REASONS.match(model))
    context, items, messages = read_input(fields, known)
    tools, definitions = read_tools(fields)
    tool_choice, callable_tools = read_tool_choice(fields, tools)
    request = ResponseRequest(
        model=model,
        messages=(*definitions, *messages),
        digest=_digest(raw, context, items),
        max_tokens=fields.at_least("max_output_tokens", _LEAST_OUTPUT_TOKENS),
        stream=fields.flag("stream"),
        obfuscate=obfuscation and _stream_options(fields).read("include_obfuscation", "boolean") is not False,
        service_tier=read_service_tier(fields),
        tools=callable_tools,
        tool_choice=tool_choice,
        parallel_tool_calls=fields.read("parallel_tool_calls", "boolean") is not False,
        json_schema=read_json_schema(fields),
        thought_tokens=_THOUGHT_TOKENS[effort],
        context=context,
        items=items,
        settings=echoed(raw),
        include=read_include(fields),
        summary=summary,
        store=fields.read("store", "boolean") is not False,
        background=fields.flag("background"),
    )
    _check(request)
    return request


def read_input(
    fields: Fields, known: Known
) -> tuple[tuple[Json, ...], tuple[Json, ...], tuple[Message, ...]]:
    """The items of the responses before, the request's own, and the messages that they and the instructions
    are.
    """
    previous = fields.read("previous_response_id", "string")
    context = tuple(known.items_of(previous)) if previous else ()
    items = read_items(fields, known.find_item, required=not previous)
    instructions = fields.read("instructions", "string")
    system = (Message.of("system", instructions),) if instructions else ()
    return context, items, (*system, *read_conversation(context, items, fields.read("model", "string") or ""))


def _digest(body: Json, context: Sequence[Json], items: Sequence[Json]) -> str:
    conversation = [identity_of(item) for item in (*context, *items)]
    asked = {**body, "conversation": conversation, "system": body.get("instructions") or ""}
    return digest_of(asked, NOT_IN_DIGEST)


def _stream_options(fields: Fields) -> Fields:
    if fields.present("stream_options") and not fields.flag("stream"):
        raise BadField(("stream_options",), "unsupported", "only allowed when 'stream' is enabled.")
    return fields.inner("stream_options")


def _check(request: ResponseRequest) -> None:
    if request.background and not request.store:
        raise BadField(("background",), "unsupported", "background mode requires 'store' to be true.")
    if request.json_schema == {} and not any("json" in each.text.lower() for each in request.messages):
        complaint = (
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'."
        )
        raise BadField(("input",), "unsupported", complaint)
