"""Anthropic's messages: request bytes to a Request, a Plan to a JSON reply or to server-sent events.

Both header generations are accepted: `x-api-key` with `anthropic-version: 2023-06-01`, and a bearer token
with `2026-10-21`, under which the sampling parameters are refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson

from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Refused, Request, digest_of
from ...plan import Plan
from ...prompt_cache.prefix import breakpoints
from ..dialect import Params, Stamp
from ..fields import Fields, arguments, loads, names
from .errors import AnthropicErrors
from .frames import AnthropicFrames, empty_block
from .prompt import read_json_schema, read_prompt, read_tool_choice, read_tools, unmarked

_SAMPLING = ("temperature", "top_p", "top_k")
_FIRST_VERSION_WITHOUT_SAMPLING = "2026-10-21"
_PARAMETERS = names(
    """
    betas cache_control container context_management diagnostics inference_geo max_tokens mcp_servers
    messages metadata model output_config output_format service_tier speed stop_sequences stream system
    temperature thinking tool_choice tools top_k top_p user_profile_id workspace_id
    """
)
# What names or routes a request, or says how the reply travels, does not decide what the reply is.
_NOT_IN_DIGEST = names("metadata model service_tier stream user_profile_id workspace_id")
_COUNTED = names(
    """
    betas cache_control context_management mcp_servers messages model output_config output_format speed
    system thinking tool_choice tools
    """
)
_STOP_REASON = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
}


class AnthropicMessages:
    """The codec of one Anthropic-shaped provider."""

    def __init__(self, errors: AnthropicErrors) -> None:
        self._errors = errors

    def parse(self, received: Received, params: Params) -> Request:
        """Read a messages request; raises Refused."""
        return self._checked(self._read, received)

    def parse_counted(self, received: Received, params: Params) -> Request:
        """Read a request to count the tokens of a prompt; raises Refused."""
        return self._checked(self._read_counted, received)

    def _checked(self, read: Callable[[object, str], Request], received: Received) -> Request:
        version = received.header(b"anthropic-version")
        try:
            if not version:
                raise BadField(("anthropic-version",), "unsupported", "header is required")
            return read(loads(received.body), version)
        except BadField as bad:
            raise Refused(self._errors.bad_field(bad)) from None
        except (ValueError, orjson.JSONEncodeError):
            raise Refused(self._errors.bad_json()) from None

    def _read(self, body: object, version: str) -> Request:
        fields = Fields(body)
        fields.only(_PARAMETERS)
        for name in _SAMPLING:
            given = fields.read(name, "number")
            if given is not None and version >= _FIRST_VERSION_WITHOUT_SAMPLING:
                raise BadField((name,), "unknown")
        fields.text("model")
        fields.require("max_tokens")
        return replace(
            _prompt(fields, body),
            max_tokens=fields.at_least("max_tokens", 1),
            stop=fields.texts("stop_sequences"),
            stream=fields.flag("stream"),
            include_usage=True,
        )

    def _read_counted(self, body: object, version: str) -> Request:
        fields = Fields(body)
        fields.only(_COUNTED)
        return _prompt(fields, body)

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        [choice] = plan.choices
        message = _message(plan, stamp, plan.output_tokens)
        message["content"] = list(_content(plan))
        message["stop_reason"] = _STOP_REASON[choice.finish]
        message["stop_sequence"] = choice.stop_sequence
        return orjson.dumps(message)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> AnthropicFrames:
        """The server-sent events of a reply."""
        [choice] = plan.choices
        ending: dict[str, object] = {
            "delta": {"stop_reason": _STOP_REASON[choice.finish], "stop_sequence": choice.stop_sequence},
            "usage": {"output_tokens": plan.output_tokens},
        }
        filled = int(bool(plan.pieces))
        if len(choice.blocks) > 1:
            filled = len({piece.block for piece in plan.pieces})
        return AnthropicFrames(_message(plan, stamp, 1), ending, choice.blocks, filled)


def _prompt(fields: Fields, body: object) -> Request:
    """What decides the reply, apart from how long it may be."""
    model = fields.text("model")
    tools = read_tools(fields)
    tool_choice, several = read_tool_choice(fields, tools)
    messages = read_prompt(fields)
    decides = unmarked(body) if breakpoints(messages) else body
    return Request(
        model=model,
        messages=messages,
        digest=digest_of(decides if isinstance(decides, dict) else {}, _NOT_IN_DIGEST),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=several,
        json_schema=read_json_schema(fields),
    )


def count_body(input_tokens: int) -> bytes:
    """The reply to a request to count."""
    return orjson.dumps({"input_tokens": input_tokens})


def _content(plan: Plan) -> Iterator[dict[str, object]]:
    """The content blocks of a whole reply; none for one that says nothing."""
    [choice] = plan.choices
    for nth, block in enumerate(choice.blocks):
        text = plan.text_of(0, nth)
        if text:
            key, value = ("text", text) if block.kind == "text" else ("input", arguments(text))
            yield {**empty_block(block), key: value}


def _message(plan: Plan, stamp: Stamp, output_tokens: int) -> dict[str, object]:
    """A message that has not begun: what message_start carries, and what a whole reply fills in."""
    written = plan.cache_write_tokens + plan.cache_write_1h_tokens
    return {
        "id": f"msg_{stamp.request_id.removeprefix('req_')}",
        "type": "message",
        "role": "assistant",
        "model": stamp.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": plan.input_tokens - plan.cached_input_tokens - written,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": plan.cached_input_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": plan.cache_write_tokens,
                "ephemeral_1h_input_tokens": plan.cache_write_1h_tokens,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }
