"""OpenAI's chat completions: request bytes to a Request, a Plan to a JSON reply or to server-sent events."""

import hashlib
import math
from functools import lru_cache

import orjson

from ..limits import Meter
from ..plan import Plan
from ..profile import Provider
from ..request import Problem, Refused, Request, digest_of
from .dialect import HeadersIn, HeadersOut, Stamp, bearer
from .fields import BadField, Fields, loads, names
from .openai_errors import OpenAIErrors, go_duration

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_PARAMETERS = names(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
    messages metadata modalities model moderation n parallel_tool_calls prediction presence_penalty
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format
    safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools
    top_logprobs top_p user verbosity web_search_options
    """
)
# What names or routes a request, or says how the reply travels, does not decide what the reply is.
_NOT_IN_DIGEST = names(
    """
    metadata model prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier
    service_tier store stream stream_options user
    """
)
_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length"}
_ANNOTATIONS: tuple[object, ...] = ()
_DONE = b"data: [DONE]\n\n"
_PADDING = tuple(("q7Xw2LmZ9sKd4TbV"[:n]).encode() for n in range(16))


class OpenAI:
    """The protocol of one OpenAI-shaped provider."""

    endpoint = "chat.completions"
    path = "/v1/chat/completions"
    parameters: frozenset[str] | None = _PARAMETERS
    """Known request fields; None accepts any."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.errors: OpenAIErrors = OpenAIErrors(provider.organization)

    def api_key(self, headers: HeadersIn) -> str:
        """The bearer token."""
        return bearer(headers)

    def parse(self, body: bytes, headers: HeadersIn) -> Request:
        """Read a chat completion request; raises Refused."""
        try:
            return self._read(loads(body))
        except BadField as bad:
            raise Refused(self.errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(self.errors.bad_json()) from None

    def _read(self, body: object) -> Request:
        fields = Fields(body)
        if self.parameters is not None:
            fields.only(self.parameters)
        model = fields.text("model")
        if (fields.at_least("n", 1) or 1) > 1:
            raise BadField(("n",), "unsupported", "only one choice per request is played here.")
        for name in ("temperature", "top_p"):
            fields.read(name, "number")
        options = fields.inner("stream_options")
        asked_plain = options.read("include_obfuscation", "boolean") is False
        return Request(
            model=model,
            messages=_messages(fields),
            digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
            max_tokens=fields.at_least("max_completion_tokens", 1) or fields.at_least("max_tokens", 1),
            stop=_stop(fields),
            stream=fields.flag("stream"),
            include_usage=options.flag("include_usage"),
            obfuscate=self._provider.obfuscation and not asked_plain,
        )

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Request id, processing time and rate limits; after a refusal for rate also how long to wait."""
        headers = [
            (b"x-request-id", stamp.request_id.encode()),
            (b"openai-organization", self._provider.organization.encode()),
            (b"openai-processing-ms", b"%d" % ((plan.headers_s or 0.0) * 1000)),
            (b"openai-version", b"2020-10-01"),
            *self._limit_headers(plan.meters),
        ]
        if plan.problem is not None and plan.problem.retry_after_s is not None:
            headers += retry_headers(plan.problem.retry_after_s)
        return headers

    def _limit_headers(self, meters: tuple[Meter, ...]) -> HeadersOut:
        headers = []
        for meter in meters:
            name = b"requests" if meter.name == "requests" else b"tokens"
            headers.append((b"x-ratelimit-limit-" + name, b"%d" % meter.limit))
            headers.append((b"x-ratelimit-remaining-" + name, b"%d" % max(0, math.floor(meter.remaining))))
            headers.append((b"x-ratelimit-reset-" + name, go_duration(meter.until_full_s).encode()))
        return headers

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of a refusal."""
        error = {
            "message": problem.message,
            "type": problem.type,
            "param": problem.param,
            "code": problem.code,
        }
        return orjson.dumps({"error": error})

    def reply_body(self, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        message = {"role": "assistant", "content": plan.text, "refusal": None, "annotations": _ANNOTATIONS}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[plan.finish]}
        return orjson.dumps(
            {
                "id": _completion_id(stamp),
                "object": "chat.completion",
                "created": int(stamp.wall_s),
                "model": stamp.model,
                "choices": [choice],
                "usage": _usage(plan),
                "service_tier": "default",
                "system_fingerprint": _fingerprint(stamp.model),
            }
        )

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "OpenAIFrames":
        """The server-sent events of a reply."""
        return OpenAIFrames(request, plan, stamp)

    def models_body(self, wall_s: float) -> bytes:
        """The list of models."""
        return orjson.dumps(
            {"object": "list", "data": [self._model(id_, wall_s) for id_ in self._provider.models]}
        )

    def model_body(self, model_id: str, wall_s: float) -> bytes:
        """One model."""
        return orjson.dumps(self._model(model_id, wall_s))

    def _model(self, model_id: str, wall_s: float) -> dict[str, object]:
        return {
            "id": model_id,
            "object": "model",
            "created": int(wall_s),
            "owned_by": self._provider.organization,
        }


class OpenAIFrames:
    """Chunks cut from one template: only the text between two fixed strings changes from chunk to chunk."""

    __slots__ = ("_after", "_before", "_obfuscate", "head", "tail")

    def __init__(self, request: Request, plan: Plan, stamp: Stamp) -> None:
        opening = (
            b'data: {"id":"%s","object":"chat.completion.chunk","created":%d,"model":%s,'
            b'"service_tier":"default","system_fingerprint":"%s",'
            % (
                _completion_id(stamp).encode(),
                stamp.wall_s,
                orjson.dumps(stamp.model),
                _fingerprint(stamp.model).encode(),
            )
        )
        usage = b',"usage":null' if request.include_usage else b""
        delta = opening + b'"choices":[{"index":0,"delta":'
        self._obfuscate = request.obfuscate
        self._before = delta + b'{"content":'
        self._after = b'},"logprobs":null,"finish_reason":null}]' + usage
        self.head = delta + b'{"role":"assistant","content":"","refusal":null' + self._after + b"}\n\n"
        finish = b'{},"logprobs":null,"finish_reason":"%s"}]%s}\n\n' % (_FINISH[plan.finish].encode(), usage)
        self.tail = delta + finish
        if request.include_usage:
            self.tail += opening + b'"choices":[],"usage":' + orjson.dumps(_usage(plan)) + b"}\n\n"
        self.tail += _DONE

    def piece(self, text: str) -> bytes:
        """One content chunk; its padding evens out the lengths, as OpenAI's does."""
        content = orjson.dumps(text)
        if self._obfuscate:
            padding = _PADDING[-len(content) % 16]
            return b'%s%s%s,"obfuscation":"%s"}\n\n' % (self._before, content, self._after, padding)
        return b"%s%s%s}\n\n" % (self._before, content, self._after)


def retry_headers(wait_s: float) -> HeadersOut:
    """`retry-after` in whole seconds and `retry-after-ms`, both rounded up."""
    return [
        (b"retry-after", b"%d" % max(1, math.ceil(wait_s))),
        (b"retry-after-ms", b"%d" % max(1, math.ceil(wait_s * 1000))),
    ]


def _messages(fields: Fields) -> tuple[tuple[str, str], ...]:
    fields.require("messages")
    items = fields.items("messages")
    if not items:
        raise BadField(("messages",), "unsupported", "empty array. Expected an array with minimum length 1.")
    messages = []
    for nth, item in enumerate(items):
        message = Fields(item, ("messages", nth))
        role = message.choice("role", _ROLES)
        # An assistant's message that only calls tools has no content.
        silent = role == "assistant" and item.get("content") is None
        messages.append((role, "" if silent else message.content("content")))
    return tuple(messages)


def _stop(fields: Fields) -> tuple[str, ...]:
    try:
        stop = fields.read("stop", "string")
    except BadField:
        return fields.texts("stop")
    return (stop,) if stop else ()


def _usage(plan: Plan) -> dict[str, object]:
    output_tokens = plan.output_tokens
    return {
        "prompt_tokens": plan.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": plan.input_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _completion_id(stamp: Stamp) -> str:
    return f"chatcmpl-{stamp.request_id.removeprefix('req_')}"


@lru_cache(maxsize=1024)
def _fingerprint(model: str) -> str:
    return "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()
