"""The provider falls silent in the middle of a reply."""

from typing import ClassVar, Literal

from ..exchange.options import Seconds
from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class Stall(FaultBase):
    """Silence after `after_chunks` content chunks (default 5), or in the middle of a JSON reply's body.

    After `hold_s` seconds (default 600) the connection is closed. A JSON reply is billed in full.
    """

    summary: ClassVar[str] = "after after_chunks chunks nothing more comes, for hold_s seconds"
    position: ClassVar[int] = 100

    kind: Literal["stall"] = "stall"
    after_chunks: Chunks = 5
    hold_s: Seconds = 600.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Stop the reply."""
        return plan.cut_after(self.after_chunks, "stalled", self.kind, hold_s=self.hold_s)
