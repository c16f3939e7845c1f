"""The body of Anthropic's Messages API for a call: its differences from the stack's own format.

- System messages are joined into the system prompt, wherever they are in the conversation.
- Turns must alternate and begin with the user: neighbours are joined, empty ones dropped. Tool results are
  user turns.
- `max_tokens` is required; `temperature` and `top_p` are refused since 2026-10-21 and omitted.
- Stop sequences of white space alone are refused and omitted. So are further parameters, but these: the
  caller's `safety_identifier` or `user` is `metadata.user_id`, and `service_tier` in Anthropic's words.
- A prefilled last turn of the assistant must not end in white space: it is stripped, and the continuation is
  expected to begin with that white space.
- JSON mode: see `json_mode`; breakpoints of the prompt cache: see `cache`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from ...core.call import Call
from ...core.reply import ToolCall
from ...core.request import Message, Tool
from ...core.support import ANTHROPIC_TIERS, service_tier
from ..conversation import turns_of
from .cache import mark
from .content import content_blocks
from .json_mode import forced, instruction, json_tool

OPENING = "(The conversation begins.)"
"""The user turn put before a conversation that the assistant opens."""
NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def messages_body(call: Call, default_max_tokens: int) -> dict[str, Any]:
    """The request body; `max_tokens` within the target's own limit."""
    target = call.target
    body: dict[str, Any] = {
        "model": target.model,
        "max_tokens": min(call.request.max_tokens or default_max_tokens, target.max_output_tokens),
    }
    system, turns = _system(call), _turns(call)
    if not turns:
        system, turns = "", [{"role": "user", "content": system}]
    if system:
        body["system"] = system
    body |= {"messages": turns} | _tools(call)
    stops = [stop for stop in call.request.stop if stop.strip()]
    if stops:
        body["stop_sequences"] = stops
    body |= _labels(call)
    if call.request.stream:
        body["stream"] = True
    return mark(body, call.routing.cache_hints.marks) if call.routing.cache_hints.marks else body


def _labels(call: Call) -> dict[str, Any]:
    """The user of the request, and the service tier."""
    parameters, fields = call.request.parameters, dict[str, Any]()
    user = parameters.get("safety_identifier") or parameters.get("user")
    if user:
        fields["metadata"] = {"user_id": user}
    if call.target.service_tier:
        fields["service_tier"] = call.target.service_tier
    elif tier := service_tier(call.request, call.target):
        fields["service_tier"] = ANTHROPIC_TIERS[tier]
    return fields


def _system(call: Call) -> str:
    texts = [turn.content for turn in call.request.messages if turn.role == "system"]
    if call.request.json_schema is not None and not forced(call):
        texts.append(instruction(call.request.json_schema, call.request.json_description))
    return "\n\n".join(text for text in texts if text)


def _turns(call: Call) -> list[dict[str, Any]]:
    messages = [turn for turn in turns_of(call) if turn.role != "system" and _not_empty(turn)]
    turns: list[dict[str, Any]] = [
        {"role": role, "content": _content(list(turn))} for role, turn in groupby(messages, key=_side)
    ]
    if not turns:
        return []
    if turns[-1]["role"] == "assistant" and isinstance(turns[-1]["content"], str):
        turns[-1]["content"] = turns[-1]["content"].rstrip()
    return turns if turns[0]["role"] == "user" else [{"role": "user", "content": OPENING}, *turns]


def _not_empty(turn: Message) -> bool:
    return bool(turn.role == "tool" or turn.tool_calls or turn.media or turn.content.strip())


def _side(turn: Message) -> str:
    return "assistant" if turn.role == "assistant" else "user"


def _content(turn: Sequence[Message]) -> str | list[dict[str, Any]]:
    if any(part.role == "tool" or part.tool_calls or part.media for part in turn):
        return [block for part in turn for block in _blocks(part)]
    return "\n\n".join(part.content for part in turn)


def _blocks(part: Message) -> Iterator[dict[str, Any]]:
    if part.role == "tool":
        content = list(content_blocks(part)) if part.media else part.content
        yield {"type": "tool_result", "tool_use_id": _id(part.tool_call_id), "content": content}
        return
    yield from content_blocks(part)
    for call in part.tool_calls:
        yield {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": _input(call)}


def _id(id: str) -> str:
    """Another provider's call id, in the characters that Anthropic accepts."""
    return NOT_IN_IDS.sub("_", id)


def _input(call: ToolCall) -> orjson.Fragment | dict[str, str]:
    """The arguments as a JSON object; if they are not one, an object with the text as `arguments`."""
    written = call.arguments or "{}"
    try:
        is_object = isinstance(orjson.loads(written), dict)
    except orjson.JSONDecodeError:
        is_object = False
    return orjson.Fragment(written) if is_object else {"arguments": written}


def _tools(call: Call) -> dict[str, Any]:
    """The `tools` and `tool_choice` fields."""
    if not call.target.tools:
        return {}
    offered = [_tool(tool) for tool in call.request.tools] or _called_before(call)
    if call.request.json_schema is not None and forced(call):
        reply = json_tool(call.request.json_schema, call.request.json_description)
        return {
            "tools": [*offered, reply],
            "tool_choice": {"type": "tool", "name": reply["name"], "disable_parallel_tool_use": True},
        }
    if not offered:
        return {}
    choice = _choice(call)
    return {"tools": offered} | ({"tool_choice": choice} if choice else {})


def _tool(tool: Tool) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = {"type": "object", "properties": {}} | dict(tool.parameters)
    return fields | ({"strict": True} if tool.strict else {})


def _called_before(call: Call) -> list[dict[str, Any]]:
    """Tools called earlier in the conversation: they must be declared even when none may be called now."""
    names = dict.fromkeys(made.name for turn in call.request.messages for made in turn.tool_calls)
    return [_tool(Tool(name)) for name in names]


def _choice(call: Call) -> dict[str, Any]:
    if not call.request.tools or call.request.tool_choice == "none":
        return {"type": "none"}
    one = {} if call.request.parallel_tool_calls else {"disable_parallel_tool_use": True}
    if call.request.tool_choice == "auto":
        return {"type": "auto"} | one if one else {}
    if call.request.tool_choice == "required":
        return {"type": "any"} | one
    return {"type": "tool", "name": call.request.tool_choice} | one
