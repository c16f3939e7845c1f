"""The connection breaks in the middle of a reply."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class Reset(FaultBase):
    """A TCP reset after `after_chunks` content chunks (default 5) of a stream, or instead of a JSON reply."""

    summary: ClassVar[str] = "the connection is reset (RST) in mid-stream, after after_chunks chunks"
    position: ClassVar[int] = 110

    kind: Literal["reset"] = "reset"
    after_chunks: Chunks = 5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Cut the reply."""
        return plan.cut_after(self.after_chunks, "reset", self.kind)
