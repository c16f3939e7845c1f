"""Anthropic's messages: request bytes to a Request, a Plan to a JSON reply or to server-sent events.

Both header generations are accepted: `x-api-key` with `anthropic-version: 2023-06-01`, and a bearer token
with `2026-10-21`, under which the sampling parameters are refused.
"""

import math
from datetime import UTC, datetime

import orjson

from ..limits import Meter
from ..plan import Plan
from ..profile import Provider
from ..request import Problem, Refused, Request, digest_of
from .anthropic_errors import AnthropicErrors
from .dialect import HeadersIn, HeadersOut, Stamp, bearer
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


class Anthropic:
    """The protocol of one Anthropic-shaped provider."""

    endpoint = "messages"
    path = "/v1/messages"

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.errors = AnthropicErrors()

    def api_key(self, headers: HeadersIn) -> str:
        """The key of either header generation."""
        return headers.get(b"x-api-key", b"").decode("latin-1").strip() or bearer(headers)

    def parse(self, body: bytes, headers: HeadersIn) -> Request:
        """Read a messages request; raises Refused."""
        version = headers.get(b"anthropic-version", b"").decode("latin-1")
        try:
            if not version:
                raise BadField(("anthropic-version",), "unsupported", "header is required")
            return self._read(loads(body), version)
        except BadField as bad:
            raise Refused(self.errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(self.errors.bad_json()) from None

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

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Request id and rate limits; after a refusal for rate also how long to wait."""
        headers = [
            (b"request-id", stamp.request_id.encode()),
            (b"anthropic-organization-id", self._provider.organization.encode()),
        ]
        by_name = {meter.name: meter for meter in plan.meters}
        if tightest := _tightest(by_name):
            by_name["tokens"] = tightest
        for name in ("requests", "tokens", "input_tokens", "output_tokens"):
            if name in by_name:
                headers += _meter_headers(name, by_name[name], stamp.wall_s)
        if plan.problem is not None and plan.problem.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % max(1, math.ceil(plan.problem.retry_after_s))))
        return headers

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of a refusal."""
        error = {"type": problem.type, "message": problem.message}
        return orjson.dumps({"type": "error", "error": error, "request_id": request_id})

    def reply_body(self, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        message = _message(plan, stamp, plan.output_tokens)
        message["content"] = [{"type": "text", "text": plan.text}]
        message["stop_reason"] = _STOP_REASON[plan.finish]
        message["stop_sequence"] = plan.stop_sequence
        return orjson.dumps(message)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "AnthropicFrames":
        """The server-sent events of a reply."""
        return AnthropicFrames(plan, stamp)

    def models_body(self, wall_s: float) -> bytes:
        """The list of models, in one page."""
        models = [self._model(id_, wall_s) for id_ in self._provider.models]
        page = {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
        return orjson.dumps(page)

    def model_body(self, model_id: str, wall_s: float) -> bytes:
        """One model."""
        return orjson.dumps(self._model(model_id, wall_s))

    def _model(self, model_id: str, wall_s: float) -> dict[str, object]:
        return {"type": "model", "id": model_id, "display_name": model_id, "created_at": rfc3339(wall_s)}


class AnthropicFrames:
    """Deltas are one fixed string on either side of the text."""

    __slots__ = ("head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        start = {"type": "message_start", "message": _message(plan, stamp, output_tokens=1)}
        self.head = b"event: message_start\ndata: %s\n\n%s" % (orjson.dumps(start), _BLOCK_START)
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": _STOP_REASON[plan.finish], "stop_sequence": plan.stop_sequence},
            "usage": {"output_tokens": plan.output_tokens},
        }
        self.tail = b"%sevent: message_delta\ndata: %s\n\n%s" % (
            _BLOCK_STOP,
            orjson.dumps(delta),
            _MESSAGE_STOP,
        )

    def piece(self, text: str) -> bytes:
        """One text delta."""
        return b"%s%s%s" % (_DELTA_BEFORE, orjson.dumps(text), _DELTA_AFTER)


def rfc3339(wall_s: float) -> str:
    """A Unix time in UTC, rounded up to a second: `2026-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(math.ceil(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _messages(fields: Fields) -> tuple[tuple[str, str], ...]:
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise BadField(("messages",), "unsupported", "at least one message is required")
    messages = []
    if fields.present("system"):
        messages.append(("system", fields.content("system")))
    for nth, item in enumerate(items):
        message = Fields(item, ("messages", nth))
        messages.append((message.choice("role", ("user", "assistant")), message.content("content")))
    return tuple(messages)


def _message(plan: Plan, stamp: Stamp, output_tokens: int) -> dict[str, object]:
    """A message that has not begun: what message_start carries, and what a whole reply fills in."""
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
            "input_tokens": plan.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }


def _tightest(meters: dict[str, Meter]) -> Meter | None:
    """The `tokens` headers show whichever token limit has the least left of it."""
    tokens = [meter for name, meter in meters.items() if name != "requests"]
    return min(tokens, key=lambda meter: meter.remaining / meter.limit, default=None)


def _meter_headers(name: str, meter: Meter, wall_s: float) -> HeadersOut:
    prefix = b"anthropic-ratelimit-" + name.replace("_", "-").encode()
    remaining = max(0, math.floor(meter.remaining))
    if name != "requests":
        remaining = round(remaining, -3)  # documented: token counts are rounded to the nearest thousand
    return [
        (prefix + b"-limit", b"%d" % meter.limit),
        (prefix + b"-remaining", b"%d" % remaining),
        (prefix + b"-reset", rfc3339(wall_s + meter.until_full_s).encode()),
    ]
