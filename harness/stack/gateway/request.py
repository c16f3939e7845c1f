"""Reads the body of an OpenAI chat completion request into the fields of a call.

Everything that can change the answer becomes part of the call. Unknown parameters are refused by name:
ignoring them silently would change the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.request import Message, Tool
from .fields import BadRequest, nothing_else, read_object, take
from .messages import read_messages
from .parameters import read_parameters
from .tools import read_format, read_tool_choice, read_tools


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A parsed chat completion request; `options` are the other fields of `Request`."""

    messages: tuple[Message, ...]
    model: str
    stream: bool = False
    include_usage: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def parse_chat_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises `BadRequest`."""
    fields = read_object(body)
    stream_options = take(fields, "stream_options", dict, {})
    request = ChatRequest(
        messages=read_messages(fields.pop("messages", None)),
        model=take(fields, "model", str, ""),
        stream=take(fields, "stream", bool, False),
        include_usage=bool(stream_options.get("include_usage")),
        options=_sampling(fields)
        | _tools(fields)
        | read_format(fields.pop("response_format", None))
        | {"parameters": read_parameters(fields)},
    )
    nothing_else(fields)
    return request


def _sampling(fields: dict[str, Any]) -> dict[str, Any]:
    limit = take(fields, "max_tokens", int, None)
    limit = take(fields, "max_completion_tokens", int, limit)
    if limit is not None and limit < 1:
        raise BadRequest("max_tokens must be at least 1.", "max_tokens")
    return {
        "max_tokens": limit,
        "temperature": take(fields, "temperature", (int, float), None),
        "top_p": take(fields, "top_p", (int, float), None),
        "stop": _stop(fields.pop("stop", None)),
    }


def _stop(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("'stop' must be a string or an array of at most 4 strings.", "stop")
    return tuple(stops)


def _tools(fields: dict[str, Any]) -> dict[str, Any]:
    tools: tuple[Tool, ...] = read_tools(fields.pop("tools", None))
    return {
        "tools": tools,
        "tool_choice": read_tool_choice(fields.pop("tool_choice", None), tools),
        "parallel_tool_calls": take(fields, "parallel_tool_calls", bool, True),
    }
