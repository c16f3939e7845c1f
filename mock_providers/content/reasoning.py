"""How long a model reasons before it answers, and whether the client sees it."""

import math
import re
from typing import Annotated, Literal

from pydantic import Field

from ..exchange.draws import Draws
from ..exchange.options import Options
from ..exchange.request import Request

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_LENGTH_OF = {"minimal": 0.1, "low": 0.3, "medium": 1.0, "high": 2.5, "xhigh": 4.0, "max": 6.0}
"""Reasoning tokens by effort, as a factor of the length at medium effort: our choice."""
_REASONS = re.compile(
    r"o\d|gpt-([5-9]|\d\d)|gpt-oss|claude|gemini-(2\.5|[3-9])|deepseek-(r|v[4-9])|qwen3|.*think|.*reason"
)
_HIDES = re.compile(r"o\d|gpt-([5-9]|\d\d)")
"""Source: platform.openai.com/docs/guides/reasoning: chat completions do not show reasoning."""


class Reasoning(Options):
    """Reasoning before an answer: lognormal(`mu`, `sigma`) tokens at medium effort, billed as output.

    - `mu`, `sigma`: default 6.4 and 0.9, a median of 600 tokens: our choice
    - `effort`: of a request that states none (default "medium"; "none": it reasons only when asked)
    - `shown`: whether its text is in the reply, unless the request decides (default: not for o1, GPT-5 and
      their successors, for all others)
    - `field`: of OpenAI's protocol: "reasoning_content" (default; DeepSeek, vLLM), "reasoning" (OpenRouter)
    """

    mu: Annotated[float, Field(ge=0, le=12)] = 6.4
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.9
    effort: Effort = "medium"
    shown: bool | None = None
    field: Literal["reasoning_content", "reasoning"] = "reasoning_content"


WHEN_ASKED = Reasoning(effort="none")
"""The reasoning of a model whose profile says nothing of it."""


def thought_tokens(request: Request, reasoning: Reasoning | None, model_id: str, draws: Draws) -> int:
    """Tokens of the reasoning before the reply to `request`; 0: none."""
    if request.thought_tokens or (reasoning is None and not _REASONS.match(_name(model_id))):
        return request.thought_tokens
    options = reasoning or WHEN_ASKED
    effort = request.thinking.effort or options.effort
    if effort == "none":
        return 0
    medium = math.exp(draws.rng("thoughts").gauss(options.mu, options.sigma))
    tokens = max(1, round(medium * _LENGTH_OF[effort]))
    return tokens if request.thinking.most is None else min(tokens, request.thinking.most)


def is_shown(request: Request, reasoning: Reasoning | None, model_id: str) -> bool:
    """Whether the client sees the text of the reasoning."""
    if request.thinking.shown is not None:
        return request.thinking.shown
    if reasoning is not None and reasoning.shown is not None:
        return reasoning.shown
    return bool(request.thought_tokens) or not _HIDES.match(_name(model_id))


def _name(model_id: str) -> str:
    return model_id.lower().rpartition("/")[2]
