"""The reply ends too early, and nothing says so."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class Truncate(FaultBase):
    """A clean end of the body after `after_chunks` content chunks (default 5), without a last event.

    A JSON reply breaks off in the middle of its body; it is billed whole, since it was made whole.
    """

    summary: ClassVar[str] = "the stream ends cleanly in the middle: no finish reason, no last event"
    position: ClassVar[int] = 120

    kind: Literal["truncate"] = "truncate"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The same reply, cut short."""
        return plan.cut_after(self.after_chunks, "truncated", self.kind)
