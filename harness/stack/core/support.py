"""Which settings of a request a target understands, by its provider and by its model's name.

What a target does not understand is not sent. A hint is dropped; a setting that shapes the answer makes the
target unsuitable, unless the target's option `unsupported` is "drop". What was dropped is on record.
"""

import re
from functools import cache

from .parameters import HINTS, PARAMETERS
from .request import Request
from .target import Target

MESSAGE_NAME = "messages.name"
"""The setting that a message has a `name`: no provider but OpenAI and Together takes one."""
RETIRED = {"anthropic": ("temperature", "top_p")}
"""Settings that a provider's protocol once had: dropped, but never a reason to pass the target over, since
most clients send them. Anthropic refuses both since version 2026-10-21.
"""
ANTHROPIC_TIERS = {"default": "standard_only", "priority": "auto", "fast": "auto"}
"""Anthropic's service tiers for OpenAI's. "auto" uses priority capacity where the organisation has some."""

_REASONING = re.compile(r"(ft:)?(o[1-9]|gpt-5(?!-chat)(\.[0-9]+)?)(?![a-z0-9.])")
_PLAIN_WITHOUT_EFFORT = re.compile(r"gpt-5\.[1-9]")
_NO_STOP = re.compile(r"(ft:)?(o3|o4-mini|gpt-5)(?![a-z0-9])")
_REFUSED_BY_REASONING = ("logit_bias", "presence_penalty", "frequency_penalty", "prediction")


@cache
def reasons(model: str) -> bool:
    """Whether this is one of OpenAI's reasoning models: the o-series, and gpt-5 but not gpt-5-chat.

    They take `max_completion_tokens` instead of `max_tokens`, and refuse what samples otherwise than by
    default. Sources: https://platform.openai.com/docs/guides/reasoning, mnfst/llm-gateway#1878,
    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning, openai/openai-python#2104.
    """
    return _REASONING.match(model) is not None


def thinks_silently(request: Request, target: Target) -> bool:
    """Whether the target reasons before its answer without a sign of it in the stream.

    Source: https://platform.openai.com/docs/guides/reasoning: chat completions do not show reasoning.
    """
    if target.provider != "openai" or not reasons(target.model):
        return False
    return request.parameters.get("reasoning_effort") != "none"


def not_understood(request: Request, target: Target) -> tuple[str, ...]:
    """The settings of `request` that `target` does not understand, by OpenAI's names."""
    missing = [
        name
        for name in request.parameters
        if name not in PARAMETERS or target.provider not in PARAMETERS[name].providers
    ]
    if target.provider == "anthropic":
        missing += _not_by_anthropic(request)
    elif target.provider == "openai" and reasons(target.model):
        missing += _not_by_reasoning(request, target.model)
    if (
        target.service_tier
        and request.parameters.get("service_tier", target.service_tier) != target.service_tier
    ):
        missing.append("service_tier")
    return tuple(dict.fromkeys(missing))


def refused(request: Request, target: Target) -> tuple[str, ...]:
    """The settings for which `target` is passed over: they shape the answer, and it may not drop them."""
    if target.unsupported == "drop":
        return ()
    droppable = RETIRED.get(target.provider, ())
    return tuple(
        name for name in not_understood(request, target) if name not in HINTS and name not in droppable
    )


def service_tier(request: Request, target: Target) -> str:
    """The tier to ask of `target`, in OpenAI's terms: its own, else the caller's if it has one, else ""."""
    if target.service_tier:
        return target.service_tier
    asked = request.parameters.get("service_tier", "")
    return asked if asked and "service_tier" not in not_understood(request, target) else ""


def expected_tier(request: Request, target: Target) -> str:
    """The tier whose price to expect: a reply to a request for "fast" names "priority"."""
    tier = service_tier(request, target)
    return "priority" if tier == "fast" else tier


def _not_by_anthropic(request: Request) -> list[str]:
    settings = {
        "temperature": request.temperature is not None,
        "top_p": request.top_p is not None,
        "stop": any(not stop.strip() for stop in request.stop),
        MESSAGE_NAME: any(message.name for message in request.messages),
        "service_tier": request.parameters.get("service_tier", "default") not in ANTHROPIC_TIERS,
        "user": {"user", "safety_identifier"} <= request.parameters.keys(),
    }
    return [name for name, missing in settings.items() if missing]


def _not_by_reasoning(request: Request, model: str) -> list[str]:
    """gpt-5.1 and later sample as asked when they do not reason."""
    effort = request.parameters.get("reasoning_effort")
    plain = effort == "none" and _PLAIN_WITHOUT_EFFORT.match(model) is not None
    settings = {
        "temperature": not plain and request.temperature not in (None, 1),
        "top_p": not plain and request.top_p not in (None, 1),
        "stop": bool(request.stop) and _NO_STOP.match(model) is not None,
    }
    missing = [name for name, is_missing in settings.items() if is_missing]
    return missing + [name for name in _REFUSED_BY_REASONING if name in request.parameters]
