"""Replies that end well and are no answer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from ...exchange import tokens
from ...plan import Block, Finish, Piece, Plan
from ..base import Chunks, FaultBase, Refusals

_FINISH: dict[str, Finish] = {
    "empty": "stop",
    "filtered": "filtered",
    "refused": "refused",
    "error": "error",
}


class OddFinish(FaultBase):
    """The reply ends after `after_chunks` chunks (default 0: it is empty), regularly, with this finish.

    - `variant`: "empty" (default): an ordinary stop; "filtered": OpenAI's "content_filter", Anthropic's
      "refusal", Gemini's "SAFETY"; "refused": OpenAI's `refusal` text, Anthropic's "refusal", Gemini's
      `promptFeedback` without candidates, or "PROHIBITED_CONTENT"; "error": finish reason "error", as proxies
      say of a failed provider (Gemini: "OTHER")

    Of a whole reply as many tokens are sent. What was sent is billed.
    Sources: inspect_ai#4846, ontogpt#455, openrouter.ai/docs/api-reference/errors.
    """

    summary: ClassVar[str] = "replies that end well without an answer: empty, filtered, refused, error"
    position: ClassVar[int] = 250

    kind: Literal["odd_finish"] = "odd_finish"
    variant: Literal["empty", "filtered", "refused", "error"] = "empty"
    after_chunks: Chunks = 0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Shorten the reply, and finish it in this way."""
        if not plan.choices:
            return plan
        pieces = tuple(self._shortened(plan))
        choices = tuple(choice._replace(finish=_FINISH[self.variant]) for choice in plan.choices)
        if not pieces:
            choices = tuple(choice._replace(blocks=(Block(),)) for choice in choices)
        ends_s = plan.ends_s
        if plan.streamed:
            ends_s = pieces[-1].due_s if pieces else plan.ttft_s
        answer = plan.answer if pieces == plan.pieces else None
        return replace(plan, pieces=pieces, choices=choices, ends_s=ends_s, answer=answer, fault=self.kind)

    def _shortened(self, plan: Plan) -> Iterator[Piece]:
        if plan.streamed:
            yield from plan.pieces[: self.after_chunks]
            return
        for piece in plan.pieces:
            text = tokens.cut(piece.text, self.after_chunks)
            if text:
                yield piece._replace(text=text, tokens=tokens.count(text))
