"""The settings of a request, as its response repeats them.

Sources: the defaults in the docstrings of `ResponseCreateParams` of the openai SDK, and the recorded replies
in vercel/ai, packages/openai/src/responses/__fixtures__.
"""

from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Refused
from ..fields import Fields, names
from .errors import not_stored_here, unsupported_parameter

Json = dict[str, Any]

PARAMETERS = names(
    """
    access_programs background background_options context_management conversation image include input
    instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
    previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
    safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs
    top_p truncation user
    """
)
NOT_IN_DIGEST = names(
    """
    background background_options include input instructions metadata model previous_response_id
    prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier service_tier store stream
    stream_options user
    """
)
"""Fields that label, store or route, and the conversation, which is in the digest as its items."""
_INCLUDABLE = (
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TRUNCATIONS = ("auto", "disabled")
_VERBOSITIES = ("low", "medium", "high")
_NO_LOGPROBS = "log probabilities are not supported with this model."


def check_settings(fields: Fields) -> None:
    """Refuse unknown and wrong fields; raises BadField, and Refused for templates and conversations."""
    fields.only(PARAMETERS)
    for name in ("temperature", "top_p"):
        fields.read(name, "number")
    for name in ("parallel_tool_calls", "store", "background"):
        fields.read(name, "boolean")
    for name in ("instructions", "prompt_cache_key", "safety_identifier", "user"):
        fields.read(name, "string")
    fields.at_least("max_tool_calls", 1)
    fields.read("metadata", "object")
    if fields.at_least("top_logprobs", 0):
        raise BadField(("top_logprobs",), "unsupported", _NO_LOGPROBS)
    if fields.present("truncation"):
        fields.choice("truncation", _TRUNCATIONS)
    if fields.inner("text").present("verbosity"):
        fields.inner("text").choice("verbosity", _VERBOSITIES)
    _refuse_foreign(fields)


def _refuse_foreign(fields: Fields) -> None:
    if fields.present("prompt"):
        raise Refused(not_stored_here("Prompt", fields.inner("prompt").text("id")))
    if fields.present("conversation"):
        given = fields.require("conversation")
        id_ = given if isinstance(given, str) else fields.inner("conversation").text("id")
        raise Refused(not_stored_here("Conversation", id_))


def read_include(fields: Fields) -> frozenset[str]:
    """The parts that the response has besides the usual; raises BadField."""
    given = fields.texts("include")
    for nth, name in enumerate(given):
        if name not in _INCLUDABLE:
            allowed = ", ".join(f"'{each}'" for each in _INCLUDABLE)
            raise BadField(("include", nth), "choice", allowed, name)
    if "message.output_text.logprobs" in given:
        raise BadField(("include",), "unsupported", _NO_LOGPROBS)
    return frozenset(given)


def read_effort(fields: Fields, *, reasons: bool) -> tuple[str, str | None]:
    """The effort to reason with, "none" for no reasoning, and the kind of summary.

    `reasons`: whether the model reasons; raises Refused if it does not and is asked to. A request that names
    only a summary has the default effort, medium.
    """
    given = fields.inner("reasoning")
    if given.present("effort"):
        effort = given.choice("effort", _EFFORTS)
    else:
        effort = "medium" if given.present("summary") else "none"
    key = "summary" if given.present("summary") else "generate_summary"
    summary = given.choice(key, ("auto", "concise", "detailed")) if given.present(key) else None
    if not reasons and given.present("effort"):
        raise Refused(unsupported_parameter("reasoning.effort"))
    if not reasons and summary is not None:
        raise Refused(unsupported_parameter("reasoning.summary"))
    return effort, summary


def echoed(body: Json) -> Json:
    """The fields of a response that repeat the request, with the defaults of those not given."""
    text, reasoning = body.get("text") or {}, body.get("reasoning") or {}

    def given(name: str, default: Any = None) -> Any:
        return default if body.get(name) is None else body[name]

    return {
        "background": given("background", False),
        "instructions": given("instructions"),
        "max_output_tokens": given("max_output_tokens"),
        "max_tool_calls": given("max_tool_calls"),
        "metadata": given("metadata", {}),
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": given("previous_response_id"),
        "prompt_cache_key": given("prompt_cache_key"),
        "prompt_cache_retention": given("prompt_cache_retention"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": given("safety_identifier"),
        "service_tier": given("service_tier", "auto"),
        "store": given("store", True),
        "temperature": given("temperature", 1.0),
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": given("tool_choice", "auto"),
        "tools": [_echoed_tool(tool) for tool in given("tools", [])],
        "top_logprobs": given("top_logprobs", 0),
        "top_p": given("top_p", 1.0),
        "truncation": given("truncation", "disabled"),
        "user": given("user"),
    }


def _echoed_tool(tool: Json) -> Json:
    if tool["type"] == "function":
        return {"description": None, "parameters": None, **tool, "strict": tool.get("strict") is not False}
    if tool["type"] == "custom":
        return {"description": None, "format": {"type": "text"}, **tool}
    return tool
