"""The model thinks before it answers."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...exchange import tokens
from ...exchange.options import Seconds
from ...plan import Block, Piece, Plan
from ..base import FaultBase, Refusals

_THOUGHT = "Let me think... "
_THOUGHT_TOKENS = tokens.count(_THOUGHT)


class Reasoning(FaultBase):
    """The first word comes `for_s` seconds later (default 10); before it reasoning.

    - `gap_s`: between its deltas (default 0.5)
    - `field`: OpenAI's field for it, "reasoning_content" (default; DeepSeek, vLLM) or "reasoning"
      (OpenRouter). Anthropic's are thinking blocks, Gemini's parts have `thought`

    A whole reply has the same reasoning, and comes as much later. Reasoning is billed as output.
    Source: openclaw#113323.
    """

    summary: ClassVar[str] = "reasoning for for_s seconds before the first word"
    position: ClassVar[int] = 270

    kind: Literal["reasoning"] = "reasoning"
    for_s: Seconds = 10.0
    gap_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5
    field: Literal["reasoning_content", "reasoning"] = "reasoning_content"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Think first in every choice."""
        if not plan.choices:
            return plan
        later = plan.late(self.for_s, self.kind)
        block = Block("reasoning", "", self.field)
        choices = tuple(choice._replace(blocks=(block, *choice.blocks)) for choice in plan.choices)
        answer = tuple(piece._replace(block=piece.block + 1) for piece in later.pieces)
        thoughts = [piece for nth in range(len(choices)) for piece in self._thoughts(plan, nth)]
        thoughts.sort(key=lambda piece: piece.due_s)
        pieces = (*thoughts, *answer)
        headers_s = plan.headers_s if plan.streamed else later.ends_s
        return replace(later, choices=choices, pieces=pieces, headers_s=headers_s, ttft_s=plan.ttft_s)

    def _thoughts(self, plan: Plan, choice: int) -> list[Piece]:
        count = max(1, int(self.for_s / self.gap_s))
        if not plan.streamed:
            text = _THOUGHT * count
            return [Piece(plan.ends_s + self.for_s, text, _THOUGHT_TOKENS * count, choice, 0, opens=True)]
        return [
            Piece(plan.ttft_s + nth * self.gap_s, _THOUGHT, _THOUGHT_TOKENS, choice, 0, opens=nth == 0)
            for nth in range(count)
        ]
