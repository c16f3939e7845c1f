"""Gemini's thinking: a budget or a level, and whether thoughts are in the reply.

Source: ai.google.dev/gemini-api/docs/thinking.
"""

from ...exchange.request import Thinking
from .camel_fields import CamelFields

_LEVELS = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
_DYNAMIC = -1


def read_thinking(config: CamelFields) -> Thinking:
    """The `thinkingConfig` of a generation config; raises BadField. Budget 0: none, -1: the model's own."""
    thinking = config.inner("thinkingConfig")
    shown = thinking.flag("includeThoughts")
    if thinking.present("thinkingLevel"):
        level = thinking.text("thinkingLevel").upper()
        return Thinking(_LEVELS.get(level, ""), shown=shown)
    budget = thinking.at_least("thinkingBudget", _DYNAMIC)
    if budget == 0:
        return Thinking("none")
    if budget is None and not shown:
        return Thinking(shown=False)
    return Thinking("medium", None if budget in (None, _DYNAMIC) else budget, shown)
