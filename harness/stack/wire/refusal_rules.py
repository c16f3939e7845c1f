"""Refusals that providers word in their own way: one table per provider.

A rule says where its sentence comes from. Sentences are matched narrowly, at the start of the provider's
message: a message may quote the caller's own words. The first rule that matches decides.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

IN_BAND_STATUS = 200
"""Status of an error event or an error body on HTTP 200: rules match it whatever their statuses."""


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
        "mnfst/llm-gateway#1878; tailcallhq/forgecode#1185",
        statuses=(400,),
        codes=("unsupported_parameter", "unsupported_value"),
        sentence=r"(Unsupported (parameter|value): |max_tokens is too large: \d+\. This model supports)",
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
        "context_length",
        "xorbitsai/inference#3785, canfieldjuan/finetunelab.ai MAX_TOKENS_CONTEXT_OVERFLOW_FIX.md (vLLM)",
        statuses=(400,),
        sentence=r"(The decoder prompt \(length \d+\) is longer than the maximum model length"
        r"|'max_tokens' or 'max_completion_tokens' is too large: \d+\. This model's maximum context length)",
    ),
    Rule(
        "context_length",
        "openclaw/openclaw#129352 (SGLang), BerriAI/litellm#37862 (Bedrock), anomalyco/opencode#45834 (Qwen)",
        statuses=(400,),
        sentence=r"(The input \(\d+ tokens\) is longer than the model's context length"
        r"|Requested token count exceeds the model's maximum context length"
        r"|prompt tokens \(\d+\) exceed model maximum"
        r"|(The )?[Pp]rompt is too long: \d+"
        r"|Range of input length should be \[)",
    ),
    Rule(
        "context_length",
        "https://docs.litellm.ai/docs/exception_mapping: a proxy names its own exceptions",
        statuses=(400,),
        sentence=r"litellm\.(BadRequestError: litellm\.)?ContextWindowExceededError",
    ),
    Rule(
        "not_found",
        "ItzCrazyKns/Vane#771 (Groq), mistralai/mistral-vibe#617, OpenRouterTeam/openrouter-examples#74",
        statuses=(400,),
        codes=("model_decommissioned", "invalid_model"),
        sentence=r"(\S+ is not a valid model ID|Invalid model: )",
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
        "quota_exhausted",
        "Anantys-oss/koan#2412, griptape-ai/griptape-nodes-engine#1079, Wei-Shaw/sub2api#4069 (xAI)",
        statuses=(403, 429),
        sentence=r"(Your team \S+ has either used all available credits"
        r"|Your newly created teams? doesn't have any credits"
        r"|You have run out of credits)",
    ),
    Rule(
        "quota_exhausted",
        "genkit-ai/genkit#3915, google-gemini/gemini-cli#22486: a plan without this model; no wait helps",
        statuses=(429,),
        sentence=r"(?s)You exceeded your current quota, .*\blimit: 0\b",
    ),
    Rule(
        "quota_exhausted",
        "MoonshotAI/kimi-code#1857 (Moonshot), hsliuping/TradingAgents-CN#170 (Qwen)",
        statuses=(400, 403, 429),
        codes=("exceeded_current_quota_error", "Arrearage"),
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
        "context_length",
        "anthropics/claude-code#760, aws-samples/bedrock-chat#95 (Bedrock)",
        statuses=(400,),
        sentence=r"Input is too long for requested model",
    ),
    Rule(
        "auth",
        "anthropics/claude-code#19028",
        statuses=(400, 403),
        sentence=r"This organization has been disabled",
    ),
    Rule(
        "content_filter",
        "anthropics/claude-code#58367",
        statuses=(400,),
        sentence=r"Output blocked by content filtering policy",
    ),
    Rule(
        "too_large",
        "https://docs.anthropic.com/en/api/errors",
        codes=("request_too_large",),
    ),
    Rule(
        "unsupported",
        "BerriAI/litellm#27967; Claude 4.6 and later; https://docs.anthropic.com/en/docs/about-claude/models",
        statuses=(400,),
        sentence=r"(This model does not support |max_tokens: \d+ > \d+, (which is )?the maximum allowed)",
    ),
    Rule(
        "not_found",
        "https://docs.anthropic.com/en/api/errors",
        statuses=(400, 403, 404),
        codes=("not_found_error",),
    ),
)
"""Anthropic's Messages API."""
