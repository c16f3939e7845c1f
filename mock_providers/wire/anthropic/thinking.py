"""Anthropic's thinking: enabled with a budget, adaptive, or disabled.

Sources: platform.claude.com/docs/en/build-with-claude/extended-thinking and …/adaptive-thinking.
"""

from ...exchange.bad_field import BadField
from ...exchange.request import Request, Thinking
from ..fields import Fields, unsupported

_LEAST_BUDGET = 1024
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


def read_thinking(fields: Fields) -> Thinking:
    """The thinking asked for: none without the field; raises BadField."""
    effort = _effort(fields)
    if not fields.present("thinking"):
        return Thinking("none")
    thinking = fields.inner("thinking")
    kind = thinking.choice("type", ("enabled", "adaptive", "disabled"))
    shown = not thinking.present("display")
    shown = shown or thinking.choice("display", ("summarized", "omitted")) == "summarized"
    if kind == "disabled":
        return Thinking("none")
    if kind == "adaptive":
        return Thinking(effort or "high", shown=shown)
    thinking.require("budget_tokens")
    most = thinking.read("budget_tokens", "integer")
    if most < _LEAST_BUDGET:
        name = "thinking.enabled.budget_tokens"
        raise unsupported(name, f"Input should be greater than or equal to {_LEAST_BUDGET}")
    return Thinking(effort or "medium", most, shown)


def check_thinking(request: Request) -> Request:
    """The request, if its limit and its tool choice allow its thinking; raises BadField."""
    thinking = request.thinking
    if thinking.effort == "none":
        return request
    if thinking.most is not None and request.max_tokens is not None and request.max_tokens <= thinking.most:
        raise BadField((), "unsupported", "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if request.tools and request.tool_choice not in ("auto", "none"):
        complaint = "Thinking may not be enabled when tool_choice forces tool use."
        raise BadField((), "unsupported", complaint)
    return request


def _effort(fields: Fields) -> str:
    config = fields.inner("output_config")
    return config.choice("effort", _EFFORTS) if config.present("effort") else ""
