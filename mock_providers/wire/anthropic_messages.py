"""Anthropic's messages: request bytes to a Request, a Plan to a JSON reply or to server-sent events.

Both header generations are accepted: `x-api-key` with `anthropic-version: 2023-06-01`, and a bearer token
with `2026-10-21`, under which the sampling parameters are refused.
"""

import orjson

from ..plan import Piece, Plan
from ..received import Received
from ..request import Message, Refused, Request, digest_of
from .anthropic_errors import AnthropicErrors
from .dialect import Params, Stamp
from .fields import BadField, Fields, loads, names

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
_STOP_REASON = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence"}

_BLOCK_START = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b'event: ping\ndata: {"type":"ping"}\n\n'
)
_DELTA_BEFORE = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
)
_DELTA_AFTER = b"}}\n\n"
_BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class AnthropicMessages:
    """The codec of one Anthropic-shaped provider."""

    def __init__(self, errors: AnthropicErrors) -> None:
        self._errors = errors

    def parse(self, received: Received, params: Params) -> Request:
        """Read a messages request; raises Refused."""
        version = received.header(b"anthropic-version")
        try:
            if not version:
                raise BadField(("anthropic-version",), "unsupported", "header is required")
            return self._read(loads(received.body), version)
        except BadField as bad:
            raise Refused(self._errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(self._errors.bad_json()) from None

    def _read(self, body: object, version: str) -> Request:
        fields = Fields(body)
        fields.only(_PARAMETERS)
        for name in _SAMPLING:
            given = fields.read(name, "number")
            if given is not None and version >= _FIRST_VERSION_WITHOUT_SAMPLING:
                raise BadField((name,), "unknown")
        model = fields.text("model")
        fields.require("max_tokens")
        return Request(
            model=model,
            messages=_messages(fields),
            digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
            max_tokens=fields.at_least("max_tokens", 1),
            stop=fields.texts("stop_sequences"),
            stream=fields.flag("stream"),
            include_usage=True,
        )

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        [choice] = plan.choices
        message = _message(plan, stamp, plan.output_tokens)
        message["content"] = [{"type": "text", "text": plan.text_of(0, 0)}]
        message["stop_reason"] = _STOP_REASON[choice.finish]
        message["stop_sequence"] = choice.stop_sequence
        return orjson.dumps(message)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "AnthropicFrames":
        """The server-sent events of a reply."""
        return AnthropicFrames(plan, stamp)


class AnthropicFrames:
    """Deltas are one fixed string on either side of the text."""

    __slots__ = ("head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        [choice] = plan.choices
        start = {"type": "message_start", "message": _message(plan, stamp, output_tokens=1)}
        self.head = b"event: message_start\ndata: %s\n\n%s" % (orjson.dumps(start), _BLOCK_START)
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": _STOP_REASON[choice.finish], "stop_sequence": choice.stop_sequence},
            "usage": {"output_tokens": plan.output_tokens},
        }
        self.tail = b"%sevent: message_delta\ndata: %s\n\n%s" % (
            _BLOCK_STOP,
            orjson.dumps(delta),
            _MESSAGE_STOP,
        )

    def piece(self, piece: Piece) -> bytes:
        """One text delta."""
        return b"%s%s%s" % (_DELTA_BEFORE, orjson.dumps(piece.text), _DELTA_AFTER)


def _messages(fields: Fields) -> tuple[Message, ...]:
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise BadField(("messages",), "unsupported", "at least one message is required")
    messages = []
    if fields.present("system"):
        messages.append(Message.of("system", fields.content("system")))
    for nth, item in enumerate(items):
        message = Fields(item, ("messages", nth))
        role = message.choice("role", ("user", "assistant"))
        messages.append(Message.of(role, message.content("content")))
    return tuple(messages)


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
