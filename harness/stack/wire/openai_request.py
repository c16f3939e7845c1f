"""The body of OpenAI's Chat Completions API for a call."""

from typing import Any

from ..core.call import Call
from ..core.reply import ToolCall
from ..core.request import Message, Tool
from .conversation import turns_of

SCHEMA_NAME = "reply"
"""The schema's name, which the protocol requires."""
JSON_INSTRUCTION = "Reply in JSON."


def chat_body(call: Call) -> dict[str, Any]:
    """The request body; `max_tokens` within the target's own limit, a stream requests usage."""
    target = call.target
    body: dict[str, Any] = {"model": target.model, "messages": [_message(turn) for turn in turns_of(call)]}
    if call.request.max_tokens is not None:
        body["max_tokens"] = min(call.request.max_tokens, target.max_output_tokens)
    if call.request.temperature is not None:
        body["temperature"] = call.request.temperature
    if call.request.top_p is not None:
        body["top_p"] = call.request.top_p
    if call.request.stop:
        body["stop"] = list(call.request.stop)
    if call.request.tools and target.tools:
        body |= _tools(call)
    if call.request.json_schema is not None:
        _request_json(call, body)
    if call.routing.cache_hints.key and target.provider == "openai":
        body["prompt_cache_key"] = call.routing.cache_hints.key
    if target.service_tier:
        body["service_tier"] = target.service_tier
    if call.request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _message(turn: Message) -> dict[str, Any]:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.tool_call_id, "content": turn.content}
    if turn.tool_calls:
        calls = [_tool_call(call) for call in turn.tool_calls]
        return {"role": turn.role, "content": turn.content or None, "tool_calls": calls}
    return {"role": turn.role, "content": turn.content}


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
        schema = {"name": SCHEMA_NAME, "schema": call.request.json_schema, "strict": call.request.json_strict}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return
    body["response_format"] = {"type": "json_object"}
    if not any("json" in turn.content.lower() for turn in call.request.messages):
        body["messages"].insert(0, {"role": "system", "content": JSON_INSTRUCTION})
