"""The meaning of a provider's refusal: one table per provider, and the statuses that all of them share.

A rule says where its sentence comes from. Sentences are matched narrowly, at the start of the provider's
message: a message may quote the caller's own words. The first rule that matches decides; without one, the
HTTP status does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ..core.errors import ProviderError

IN_BAND_STATUS = 200
"""Status of an error event or an error body on HTTP 200: rules match it whatever their statuses."""
BROKEN = ("error", "abort", "network_error", "insufficient_system_resource")
"""Finish reasons that mean a failure, not an end: OpenRouter, vLLM, Zhipu and DeepSeek."""


class Rule(NamedTuple):
    """One refusal. `statuses` () means any; one of `codes` (the error's `code` or `type`) or `sentence` must
    match. `source` is the documentation or a public report of it.
    """

    kind: str
    source: str
    statuses: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    sentence: str = ""

    def matches(self, status: int, error: Mapping[str, Any]) -> bool:
        """Whether the refusal is this one."""
        if self.statuses and status not in (*self.statuses, IN_BAND_STATUS):
            return False
        named = (error.get("code"), error.get("type"))
        if any(name in self.codes for name in named if isinstance(name, str)):
            return True
        message = error.get("message")
        return bool(self.sentence) and isinstance(message, str) and bool(re.match(self.sentence, message))


OPENAI = (
    Rule(
        "quota_exhausted",
        "https://platform.openai.com/docs/guides/error-codes",
        codes=("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"),
    ),
    Rule(
        "context_length",
        "smol-ai/developer#7",
        codes=("context_length_exceeded",),
    ),
    Rule(
        "too_large",
        "vanna-ai/vanna-flask#11; a plain TPM limit is load: everruns/everruns#3740",
        statuses=(413, 429),
        sentence=r"Request too large for ",
    ),
    Rule(
        "not_found",
        "https://platform.openai.com/docs/guides/error-codes; mozilla-ai/otari#483",
        statuses=(400, 403, 404),
        codes=("model_not_found",),
    ),
    Rule(
        "unsupported",
        "mnfst/llm-gateway#1878",
        statuses=(400,),
        codes=("unsupported_parameter", "unsupported_value"),
        sentence=r"Unsupported (parameter|value): ",
    ),
    Rule(
        "content_filter",
        "https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter",
        statuses=(400,),
        codes=("content_filter", "content_policy_violation"),
    ),
)
"""OpenAI, and Azure OpenAI."""

TOGETHER = (
    Rule(
        "context_length",
        "BerriAI/litellm#4934, stanford-crfm/helm#1820",
        sentence=r"(Input validation\s+error: )?`inputs` "
        r"(tokens \+ `max_new_tokens` must be <=|must have less than)",
    ),
    Rule(
        "rate_limited",
        "togethercomputer/MoA#27: of the type credit_limit, too",
        statuses=(429,),
        sentence=r"You have been rate limited",
    ),
    Rule(
        "quota_exhausted",
        "https://docs.together.ai/docs/error-codes; expectedparrot/edsl#2098",
        codes=("credit_limit", "insufficient_credits"),
        sentence=r"Credit limit exceeded",
    ),
)
"""Together, and Hugging Face's text-generation-inference."""

COMPATIBLE = (
    Rule(
        "context_length",
        "AIDotNet/OpenCowork#82 (vLLM), OpenRouter, DeepSeek, xAI",
        sentence=r"This (model|endpoint)'s maximum (context|prompt) length is \d+",
    ),
    Rule(
        "context_length",
        "https://ai.google.dev/gemini-api/docs/troubleshooting",
        sentence=r"The input token count \(?\d+\)? exceeds the maximum number of tokens allowed",
    ),
    Rule(
        "context_length",
        "llama.cpp, Groq and Mistral, each in its own words",
        codes=("exceed_context_size_error",),
        sentence=r"(the request exceeds the available context size"
        r"|Please reduce the length of the messages or completion"
        r"|Prompt contains \d+ tokens .*too large for model)",
    ),
    Rule(
        "quota_exhausted",
        "https://api-docs.deepseek.com/quick_start/error_codes, OpenRouter",
        statuses=(402, 403, 429),
        sentence=r"(Insufficient Balance|Insufficient credits|This request requires more credits)",
    ),
    Rule(
        "quota_exhausted",
        "dyad-sh/dyad#3626 (Gemini)",
        statuses=(429,),
        sentence=r"Your prepayment credits are depleted",
    ),
    Rule(
        "unsupported",
        "songquanpeng/one-api#836 (Gemini)",
        statuses=(400,),
        sentence=r"Please ensure that multiturn requests ends? with a user role",
    ),
    Rule(
        "auth",
        "https://ai.google.dev/gemini-api/docs/troubleshooting",
        statuses=(400,),
        sentence=r"API key (not valid|expired)",
    ),
)
"""Servers that speak OpenAI's protocol: vLLM, Gemini, Groq, Mistral, DeepSeek, OpenRouter, llama.cpp."""

ANTHROPIC = (
    Rule(
        "quota_exhausted",
        "anthropics/anthropic-sdk-typescript#618; mozilla-ai/otari#483",
        statuses=(400, 402, 403, 429),
        codes=("enforced_spend_limit_reached", "billing_error"),
        sentence=r"(Your credit balance is too low|You have reached your specified API usage limits)",
    ),
    Rule(
        "context_length",
        "https://docs.anthropic.com/en/docs/build-with-claude/context-windows; continuedev/continue#6080",
        statuses=(400, 413),
        sentence=r"(prompt is too long|input length and `max_tokens` exceed context limit)",
    ),
    Rule(
        "too_large",
        "https://docs.anthropic.com/en/api/errors",
        codes=("request_too_large",),
    ),
    Rule(
        "unsupported",
        "BerriAI/litellm#27967; Claude 4.6 and later",
        statuses=(400,),
        sentence=r"This model does not support ",
    ),
    Rule(
        "not_found",
        "https://docs.anthropic.com/en/api/errors",
        statuses=(400, 403, 404),
        codes=("not_found_error",),
    ),
)
"""Anthropic's Messages API."""

BY_STATUS = {
    401: "auth",
    402: "quota_exhausted",
    403: "auth",
    404: "not_found",
    405: "not_found",
    408: "server_error",
    409: "conflict",
    410: "not_found",
    413: "too_large",
    425: "conflict",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}
"""Kinds of HTTP statuses, where no rule says more. A redirect means that the target is elsewhere."""


def kind_of(rules: Sequence[Rule], status: int, error: Mapping[str, Any]) -> str:
    """The error kind of a refusal: by the first rule that matches, else by its status."""
    ruled = ruled_kind(rules, status, error)
    if ruled is not None:
        return ruled
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return "server_error"
    return "bad_request" if status >= 400 else "not_found"


def ruled_kind(rules: Sequence[Rule], status: int, error: Mapping[str, Any]) -> str | None:
    """The kind by the first rule that matches, None without one."""
    return next((rule.kind for rule in rules if rule.matches(status, error)), None)


def error_fields(body: bytes) -> dict[str, Any]:
    """`message`, `code`, `type` and further fields of an error body, {} for HTML pages and empty bodies.

    Bodies differ: `{"error": {…}}` (OpenAI, Anthropic), the same in a list (Gemini), `{"error": "text"}`, the
    fields at the top (older vLLM), `{"detail": …}` (FastAPI).
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return fields_of(parsed)


def fields_of(parsed: Any) -> dict[str, Any]:
    """As `error_fields`, of a parsed body."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**parsed, "message": parsed.get("message") or error}
    if isinstance(parsed.get("message"), str):
        return parsed
    return _detail(parsed.get("detail"))


def _detail(detail: Any) -> dict[str, Any]:
    if isinstance(detail, list) and detail:
        detail = detail[0]
    if isinstance(detail, dict):
        message = detail.get("message") or detail.get("msg")
        return {**detail, "message": message} if isinstance(message, str) else {}
    return {"message": detail} if isinstance(detail, str) else {}


def broken(reason: str) -> ProviderError:
    """The failure that a finish reason of `BROKEN` stands for."""
    return ProviderError("in_band", f"the reply finished with the reason {reason!r}", status=IN_BAND_STATUS)
