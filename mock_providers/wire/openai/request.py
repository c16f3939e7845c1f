"""Reads the JSON of a chat completion request to a Request."""

from ...exchange.bad_field import BadField
from ...exchange.request import Request, Thinking, digest_of
from ..fields import Fields, names
from .prompt import read_messages
from .styles.logprobs import MOST as MOST_LOGPROBS
from .tools import read_json_schema, read_tool_choice, read_tools

_PARAMETERS = names(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
    messages metadata modalities model moderation n parallel_tool_calls prediction presence_penalty
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format
    safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools
    top_logprobs top_p user verbosity web_search_options
    """
)
# Fields that label or route a request, or choose how the reply is sent, do not change its content.
_NOT_IN_DIGEST = names(
    """
    metadata model prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier
    service_tier store stream stream_options user
    """
)
_SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_RANGES = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("frequency_penalty", -2, 2),
    ("presence_penalty", -2, 2),
)
"""The least and the greatest value of sampling parameters. Source:
platform.openai.com/docs/api-reference/chat.
"""
_MOST_CHOICES = 8
_MOST_STOPS = 4


def read_request(body: object, *, obfuscation: bool = False, lenient: bool = False) -> Request:
    """Read the JSON of a chat completion request; raises BadField.

    - `obfuscation`: the provider pads its chunks unless the request declines (default: it does not)
    - `lenient`: unknown fields are ignored (default: refused)
    """
    fields = Fields(body)
    model = _checked_model(fields, lenient=lenient)
    options = _stream_options(fields, lenient=lenient)
    tools, definitions = read_tools(fields)
    tool_choice, several = read_tool_choice(fields, tools)
    request = Request(
        model=model,
        messages=(*definitions, *read_messages(fields, model, lenient=lenient)),
        digest=digest_of(body if isinstance(body, dict) else {}, _NOT_IN_DIGEST),
        max_tokens=_max_tokens(fields),
        says_max_tokens=fields.present("max_tokens"),
        stop=read_stop(fields),
        stream=fields.flag("stream"),
        include_usage=options.flag("include_usage"),
        obfuscate=obfuscation and options.read("include_obfuscation", "boolean") is not False,
        n=_choice_count(fields),
        top_logprobs=_top_logprobs(fields),
        service_tier=read_service_tier(fields, lenient=lenient),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=several,
        json_schema=read_json_schema(fields),
        thinking=Thinking(_effort(fields, lenient=lenient)),
    )
    if request.json_schema == {} and not lenient:
        _check_json_is_mentioned(request)
    return request


def _checked_model(fields: Fields, *, lenient: bool) -> str:
    """The model, after a check of the fields that are not read further."""
    if not lenient:
        fields.only(_PARAMETERS)
    model = fields.text("model")
    _check_values(fields)
    return model


def _stream_options(fields: Fields, *, lenient: bool) -> Fields:
    if fields.present("stream_options") and not fields.flag("stream") and not lenient:
        raise BadField(("stream_options",), "unsupported", "only allowed when 'stream' is enabled.")
    return fields.inner("stream_options")


def _check_values(fields: Fields) -> None:
    """Refuse wrong types and values of fields that change nothing here."""
    for name, least, most in _RANGES:
        check_range(fields, name, least, most)
    fields.read("store", "boolean")
    fields.read("metadata", "object")


def _top_logprobs(fields: Fields) -> int | None:
    """The alternatives of each token's log probability, 0 without any; None: no log probabilities."""
    wanted, top = fields.flag("logprobs"), fields.at_least("top_logprobs", 0)
    if top is not None and not wanted:
        raise BadField(("top_logprobs",), "unsupported", "only allowed when 'logprobs' is enabled.")
    if top is not None and top > MOST_LOGPROBS:
        complaint = (
            f"integer above maximum value. Expected a value <= {MOST_LOGPROBS}, but got {top} instead."
        )
        raise BadField(("top_logprobs",), "unsupported", complaint)
    return (top or 0) if wanted else None


def _effort(fields: Fields, *, lenient: bool) -> str:
    """`reasoning_effort`, "" when not given."""
    if not fields.present("reasoning_effort"):
        return ""
    effort = fields.text("reasoning_effort") if lenient else fields.choice("reasoning_effort", _EFFORTS)
    return effort if effort in _EFFORTS else ""


def check_range(fields: Fields, name: str, least: int, most: int) -> None:
    """Refuse a number below `least` or above `most`, in OpenAI's words; raises BadField."""
    value = fields.read(name, "number")
    if value is None or least <= value <= most:
        return
    side, bound = ("above maximum", f"<= {most}") if value > most else ("below minimum", f">= {least}")
    complaint = f"decimal {side} value. Expected a value {bound}, but got {value} instead."
    raise BadField((name,), "unsupported", complaint)


def _max_tokens(fields: Fields) -> int | None:
    return fields.at_least("max_completion_tokens", 1) or fields.at_least("max_tokens", 1)


def read_service_tier(fields: Fields, *, lenient: bool = False) -> str:
    """The tier asked for; "auto" is the project's setting, which is the default here."""
    if not fields.present("service_tier"):
        return ""
    tier = fields.text("service_tier") if lenient else fields.choice("service_tier", _SERVICE_TIERS)
    return "" if tier in ("auto", "default") else tier


def _choice_count(fields: Fields) -> int:
    n = fields.at_least("n", 1) or 1
    if n > _MOST_CHOICES:
        complaint = f"integer above maximum value. Expected a value <= {_MOST_CHOICES}, but got {n} instead."
        raise BadField(("n",), "unsupported", complaint)
    return n


def _check_json_is_mentioned(request: Request) -> None:
    """OpenAI's JSON mode without a schema requires the word JSON in the prompt."""
    if not any("json" in message.text.lower() for message in request.messages):
        complaint = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            "'json_object'."
        )
        raise BadField(("messages",), "unsupported", complaint)


def read_stop(fields: Fields) -> tuple[str, ...]:
    """The stop sequences: a text or an array of texts; raises BadField."""
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
