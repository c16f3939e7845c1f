"""OpenAI's chat completions: request bytes to a Request, a Plan to a JSON reply or to server-sent events."""

import hashlib
from functools import lru_cache

import orjson

from ..plan import Piece, Plan
from ..profile import Provider
from ..received import Received
from ..request import Message, Refused, Request, digest_of
from .dialect import Params, Stamp
from .fields import BadField, Fields, loads, names
from .openai_errors import OpenAIErrors

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


class OpenAIChat:
    """The codec of one OpenAI-shaped provider; a `lenient` one takes request fields that it does not know."""

    def __init__(self, provider: Provider, errors: OpenAIErrors, *, lenient: bool = False) -> None:
        self._provider = provider
        self._errors = errors
        self._parameters = None if lenient else _PARAMETERS

    def parse(self, received: Received, params: Params) -> Request:
        """Read a chat completion request; raises Refused."""
        try:
            return self._read(loads(received.body))
        except BadField as bad:
            raise Refused(self._errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(self._errors.bad_json()) from None

    def _read(self, body: object) -> Request:
        fields = Fields(body)
        if self._parameters is not None:
            fields.only(self._parameters)
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

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        return orjson.dumps(
            {
                "id": _completion_id(stamp),
                "object": "chat.completion",
                "created": int(stamp.wall_s),
                "model": stamp.model,
                "choices": [_choice(plan, nth) for nth in range(len(plan.choices))],
                "usage": _usage(plan),
                "service_tier": "default",
                "system_fingerprint": _fingerprint(stamp.model),
            }
        )

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "OpenAIFrames":
        """The server-sent events of a reply."""
        return OpenAIFrames(request, plan, stamp)


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
        finish = b'{},"logprobs":null,"finish_reason":"%s"}]%s}\n\n' % (
            _FINISH[plan.choices[0].finish].encode(),
            usage,
        )
        self.tail = delta + finish
        if request.include_usage:
            self.tail += opening + b'"choices":[],"usage":' + orjson.dumps(_usage(plan)) + b"}\n\n"
        self.tail += _DONE

    def piece(self, piece: Piece) -> bytes:
        """One content chunk; its padding evens out the lengths, as OpenAI's does."""
        content = orjson.dumps(piece.text)
        if self._obfuscate:
            padding = _PADDING[-len(content) % 16]
            return b'%s%s%s,"obfuscation":"%s"}\n\n' % (self._before, content, self._after, padding)
        return b"%s%s%s}\n\n" % (self._before, content, self._after)


def _choice(plan: Plan, nth: int) -> dict[str, object]:
    message = {
        "role": "assistant",
        "content": plan.text_of(nth, 0),
        "refusal": None,
        "annotations": _ANNOTATIONS,
    }
    finish = _FINISH[plan.choices[nth].finish]
    return {"index": nth, "message": message, "logprobs": None, "finish_reason": finish}


def _messages(fields: Fields) -> tuple[Message, ...]:
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
        messages.append(Message.of(role, "" if silent else message.content("content")))
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
        "prompt_tokens_details": {"cached_tokens": plan.cached_input_tokens, "audio_tokens": 0},
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
