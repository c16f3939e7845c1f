"""The body of OpenAI's Chat Completions API for a call, also used by Together.

Only what the target understands is sent (`core/support.py`). OpenAI's reasoning models take
`max_completion_tokens` instead of `max_tokens`, and sample by default only.
"""

from collections.abc import Sequence
from typing import Any

from ...core.call import Call
from ...core.reply import ToolCall
from ...core.request import Message, Tool
from ...core.support import MESSAGE_NAME, not_understood, reasons, service_tier
from ..conversation import turns_of
from .content import content_of, media_part

SCHEMA_NAME = "reply"
"""The name of a schema without one: the protocol requires a name."""
JSON_INSTRUCTION = "Reply in JSON."


def chat_body(call: Call) -> dict[str, Any]:
    """The request body; `max_tokens` within the target's own limit, a stream requests usage."""
    target, missing = call.target, not_understood(call.request, call.target)
    messages = _messages(turns_of(call), named=MESSAGE_NAME not in missing)
    body: dict[str, Any] = {"model": target.model, "messages": messages, **_sampling(call, missing)}
    if call.request.tools and target.tools:
        body |= _tools(call)
    if call.request.json_schema is not None:
        _request_json(call, body)
    if call.routing.cache_hints.key and target.provider == "openai":
        body["prompt_cache_key"] = call.routing.cache_hints.key
    body |= {name: value for name, value in call.request.parameters.items() if name not in missing}
    if tier := service_tier(call.request, target):
        body["service_tier"] = tier
    if call.request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _sampling(call: Call, missing: Sequence[str]) -> dict[str, Any]:
    request, target = call.request, call.target
    reasoning = target.provider == "openai" and reasons(target.model)
    fields: dict[str, Any] = {}
    if request.max_tokens is not None:
        name = "max_completion_tokens" if reasoning else "max_tokens"
        fields[name] = min(request.max_tokens, target.max_output_tokens)
    default = 1 if reasoning else None  # o3-mini refuses even the default where it is said
    if request.temperature not in (None, default):
        fields["temperature"] = request.temperature
    if request.top_p not in (None, default):
        fields["top_p"] = request.top_p
    if request.stop:
        fields["stop"] = list(request.stop)
    return {name: value for name, value in fields.items() if name not in missing}


def _messages(turns: Sequence[Message], *, named: bool) -> list[dict[str, Any]]:
    """The turns; media in results of tools follow them in a turn of the user, the only place for them."""
    messages: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    for turn in turns:
        if turn.role != "tool" and pending:
            messages.append({"role": "user", "content": pending})
            pending = []
        messages.append(_message(turn, named=named))
        if turn.role == "tool":
            pending += [media_part(media) for media in turn.media]
    return [*messages, *([{"role": "user", "content": pending}] if pending else [])]


def _message(turn: Message, *, named: bool) -> dict[str, Any]:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.tool_call_id, "content": turn.content}
    message: dict[str, Any] = {"role": turn.role, "content": content_of(turn)}
    if turn.tool_calls:
        message["content"] = turn.content or None
        message["tool_calls"] = [_tool_call(call) for call in turn.tool_calls]
    if turn.name and named:
        message["name"] = turn.name
    return message


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tools(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in call.request.tools]}
    if call.request.tool_choice in ("none", "required"):
        fields["tool_choice"] = call.request.tool_choice
    elif call.request.tool_choice != "auto":
        fields["tool_choice"] = {"type": "function", "function": {"name": call.request.tool_choice}}
    if not call.request.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _request_json(call: Call, body: dict[str, Any]) -> None:
    """JSON mode without a schema is refused unless the prompt mentions JSON."""
    if call.request.json_schema:
        request = call.request
        schema: dict[str, Any] = {"name": request.json_name or SCHEMA_NAME, "schema": request.json_schema}
        if request.json_description:
            schema["description"] = request.json_description
        schema["strict"] = request.json_strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return
    body["response_format"] = {"type": "json_object"}
    if not any("json" in turn.content.lower() for turn in call.request.messages):
        body["messages"].insert(0, {"role": "system", "content": JSON_INSTRUCTION})
