"""Reads the body of a request for a response into the fields of a call.

As for chat completions, everything that can change the answer becomes part of the call, and unknown
parameters are refused by name. `reasoning.summary`, `include` and `stream_options` ask for more than the
answer, which a target asked by chat completions does not give: they are accepted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.request import Message
from ..fields import BadRequest, nothing_else, read_object, take
from ..parameters import read_parameters
from ..request import ChatRequest
from .items import Json, messages_of, read_items
from .tools import read_response_choice, read_response_tools, read_text

Previous = Callable[[str], tuple[Json, ...]]
"""The items of an earlier response, by its id; raises `BadRequest`."""

_ASK_FOR_MORE = ("include", "stream_options", "context_management")


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A parsed request for a response.

    - `chat`: the call that it becomes
    - `items`: of the whole conversation, the stored part of it first
    - `own`: how many of them the request itself has
    - `custom_tools`: names of the functions that stand for custom tools
    - `settings`: the fields that the response repeats
    """

    chat: ChatRequest
    items: tuple[Json, ...]
    own: int
    custom_tools: frozenset[str]
    store: bool
    settings: Mapping[str, Any]


def parse_response_request(body: bytes, previous: Previous) -> ResponseRequest:
    """The request in `body`. Raises `BadRequest`."""
    asked = read_object(body)
    fields = dict(asked)
    earlier_id = take(fields, "previous_response_id", str, "")
    earlier = previous(earlier_id) if earlier_id else ()
    own = read_items(fields.pop("input", [] if earlier else None))
    items = (*earlier, *own)
    tools, custom = read_response_tools(fields.pop("tools", None))
    choice, offered = read_response_choice(fields.pop("tool_choice", None), tools)
    form, verbosity = read_text(fields.pop("text", None))
    store = take(fields, "store", bool, True)
    request = ChatRequest(
        messages=(*_instructions(fields), *messages_of(items, len(earlier))),
        model=take(fields, "model", str, ""),
        stream=take(fields, "stream", bool, False),
        options={
            "max_tokens": _limit(fields),
            "temperature": take(fields, "temperature", (int, float), None),
            "top_p": take(fields, "top_p", (int, float), None),
            "tools": offered,
            "tool_choice": choice,
            "parallel_tool_calls": take(fields, "parallel_tool_calls", bool, True),
            **form,
            "parameters": _parameters(fields, verbosity),
        },
    )
    _neutral(fields)
    nothing_else(fields)
    return ResponseRequest(request, items, len(own), custom, store, _settings(asked))


def _instructions(fields: Json) -> tuple[Message, ...]:
    instructions = take(fields, "instructions", str, "")
    return (Message("system", instructions),) if instructions else ()


def _limit(fields: Json) -> int | None:
    limit: int | None = take(fields, "max_output_tokens", int, None)
    if limit is not None and limit < 1:
        raise BadRequest("'max_output_tokens' must be at least 1.", "max_output_tokens")
    return limit


def _parameters(fields: Json, verbosity: Json) -> dict[str, Any]:
    """All further parameters, by the names that chat completions have for them."""
    reasoning = take(fields, "reasoning", dict, {})
    given = {**fields, **verbosity}
    if reasoning.get("effort") is not None:
        given["reasoning_effort"] = reasoning["effort"]
    read = read_parameters(given)
    for name in [name for name in fields if name not in given]:
        del fields[name]
    return read


def _neutral(fields: Json) -> None:
    """Remove what asks for nothing, or for more than the answer."""
    for name in _ASK_FOR_MORE:
        fields.pop(name, None)
    for name, neutral in (("background", False), ("truncation", "disabled")):
        if fields.get(name) == neutral:
            del fields[name]


def _settings(body: Json) -> Json:
    """The fields of a response that repeat the request, with OpenAI's defaults."""

    def given(name: str, default: Any = None) -> Any:
        return default if body.get(name) is None else body[name]

    reasoning, text = given("reasoning", {}), given("text", {})
    return {
        "background": False,
        "instructions": given("instructions"),
        "max_output_tokens": given("max_output_tokens"),
        "metadata": given("metadata", {}),
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": given("previous_response_id"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": None},
        "store": given("store", True),
        "temperature": given("temperature", 1.0),
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": given("tool_choice", "auto"),
        "tools": given("tools", []),
        "top_p": given("top_p", 1.0),
        "truncation": "disabled",
        "user": given("user"),
    }
