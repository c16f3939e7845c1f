"""The reply is so slow that only a total deadline ends it, no read timeout."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import FaultBase, Refusals


class SlowDrip(FaultBase):
    """At least `gap_s` (default 2) between chunks, or between the twenty parts of a JSON reply's body."""

    summary: ClassVar[str] = "chunks trickle, gap_s apart: no read ever times out"
    position: ClassVar[int] = 90

    kind: Literal["slow_drip"] = "slow_drip"
    gap_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Stretch the gaps between chunks."""
        return plan.dripping(self.gap_s, self.kind)
