"""The reply ends too early, without an error."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class Truncate(FaultBase):
    """A clean end of the body after `after_chunks` content chunks (default 5), without a last event.

    A JSON reply ends in the middle of its body; it is billed in full, since it was generated in full.
    """

    summary: ClassVar[str] = "the stream ends cleanly in the middle: no finish reason, no last event"
    position: ClassVar[int] = 120

    kind: Literal["truncate"] = "truncate"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Cut the reply."""
        return plan.cut_after(self.after_chunks, "truncated", self.kind)
