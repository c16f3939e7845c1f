"""OpenAI's chat completions: request bytes to a Request, a Plan to a JSON reply or to server-sent events."""

import orjson

from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Refused, Request, digest_of
from ...plan import Plan
from ...profile import Provider
from ..dialect import Frames, Params, Stamp
from ..fields import Fields, loads, names
from .errors import OpenAIErrors
from .frames import (
    FINISH_REASON,
    completion_id,
    fingerprint,
    frames_of,
    says_text,
    tool_call,
    usage_of,
)
from .reading import read_json_schema, read_messages, read_tool_choice, read_tools

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
_UNSUPPORTED = {
    "functions": "deprecated: use 'tools' instead.",
    "function_call": "deprecated: use 'tool_choice' instead.",
    "logprobs": "log probabilities are not supported with this model.",
    "top_logprobs": "log probabilities are not supported with this model.",
}
_MOST_CHOICES = 8
_MOST_STOPS = 4
_ANNOTATIONS: tuple[object, ...] = ()


class OpenAIChat:
    """The codec of one OpenAI-shaped provider; a `lenient` one takes request fields that it does not know."""

    def __init__(self, provider: Provider, errors: OpenAIErrors, *, lenient: bool = False) -> None:
        self._provider = provider
        self._errors = errors
        self._lenient = lenient

    def parse(self, received: Received, params: Params) -> Request:
        """Read a chat completion request; raises Refused."""
        try:
            return self._read(loads(received.body))
        except BadField as bad:
            raise Refused(self._errors.bad_field(bad)) from None
        except (ValueError, orjson.JSONEncodeError):
            raise Refused(self._errors.bad_json()) from None

    def _read(self, body: object) -> Request:
        fields = Fields(body)
        if not self._lenient:
            fields.only(_PARAMETERS)
        model = fields.text("model")
        _check_values(fields)
        options = self._stream_options(fields)
        tools, definitions = read_tools(fields)
        tool_choice, several = read_tool_choice(fields, tools)
        request = Request(
            model=model,
            messages=(*definitions, *read_messages(fields)),
            digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
            max_tokens=_max_tokens(fields),
            stop=_stop(fields),
            stream=fields.flag("stream"),
            include_usage=options.flag("include_usage"),
            obfuscate=self._provider.obfuscation
            and options.read("include_obfuscation", "boolean") is not False,
            n=_choices_asked(fields),
            tools=tools,
            tool_choice=tool_choice,
            parallel_tool_calls=several,
            json_schema=read_json_schema(fields),
        )
        if request.json_schema == {} and not self._lenient:
            _check_json_is_mentioned(request)
        return request

    def _stream_options(self, fields: Fields) -> Fields:
        if fields.present("stream_options") and not fields.flag("stream") and not self._lenient:
            raise BadField(("stream_options",), "unsupported", "only allowed when 'stream' is enabled.")
        return fields.inner("stream_options")

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        return orjson.dumps(
            {
                "id": completion_id(stamp),
                "object": "chat.completion",
                "created": int(stamp.wall_s),
                "model": stamp.model,
                "choices": [_choice(plan, nth) for nth in range(len(plan.choices))],
                "usage": usage_of(plan),
                "service_tier": "default",
                "system_fingerprint": fingerprint(stamp.model),
            }
        )

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """The server-sent events of a reply."""
        return frames_of(request, plan, stamp)


def _choice(plan: Plan, nth: int) -> dict[str, object]:
    choice = plan.choices[nth]
    texts = [(block, plan.text_of(nth, which)) for which, block in enumerate(choice.blocks)]
    content = "".join(text for block, text in texts if block.kind == "text")
    # A call that was cut before its first argument never opened, so it is not in a stream either.
    calls = [tool_call(block, text) for block, text in texts if block.kind == "tool" and text]
    message: dict[str, object] = {
        "role": "assistant",
        "content": content if says_text(choice) else None,
        "refusal": None,
        "annotations": _ANNOTATIONS,
    }
    if calls:
        message["tool_calls"] = calls
    finish = FINISH_REASON[choice.finish]
    return {"index": nth, "message": message, "logprobs": None, "finish_reason": finish}


def _check_values(fields: Fields) -> None:
    """Refuse what is not played, and wrong types of what does not matter here."""
    for name, complaint in _UNSUPPORTED.items():
        if fields.present(name) and fields.require(name):
            raise BadField((name,), "unsupported", complaint)
    for name in ("temperature", "top_p"):
        fields.read(name, "number")
    fields.read("store", "boolean")
    fields.read("metadata", "object")
    fields.read("service_tier", "string")


def _max_tokens(fields: Fields) -> int | None:
    return fields.at_least("max_completion_tokens", 1) or fields.at_least("max_tokens", 1)


def _choices_asked(fields: Fields) -> int:
    n = fields.at_least("n", 1) or 1
    if n > _MOST_CHOICES:
        complaint = f"integer above maximum value. Expected a value <= {_MOST_CHOICES}, but got {n} instead."
        raise BadField(("n",), "unsupported", complaint)
    return n


def _check_json_is_mentioned(request: Request) -> None:
    """OpenAI's JSON mode without a schema wants the prompt to speak of JSON."""
    if not any("json" in message.text.lower() for message in request.messages):
        complaint = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            "'json_object'."
        )
        raise BadField(("messages",), "unsupported", complaint)


def _stop(fields: Fields) -> tuple[str, ...]:
    try:
        stop = fields.read("stop", "string")
    except BadField:
        stops = fields.texts("stop")
    else:
        stops = (stop,) if stop else ()
    if len(stops) > _MOST_STOPS:
        complaint = f"Expected an array with maximum length {_MOST_STOPS}, but got an array with length "
        raise BadField(("stop",), "unsupported", f"array too long. {complaint}{len(stops)} instead.")
    return stops
