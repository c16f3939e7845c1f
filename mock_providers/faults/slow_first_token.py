"""The headers arrive on time, the first token late."""

from typing import ClassVar, Literal

from ..exchange.options import Seconds
from ..plan import Plan
from .base import FaultBase, Refusals


class SlowFirstToken(FaultBase):
    """The headers on time, then `extra_s` more (default 30) before the first token."""

    summary: ClassVar[str] = "headers in time, the first token extra_s late"
    position: ClassVar[int] = 80

    kind: Literal["slow_first_token"] = "slow_first_token"
    extra_s: Seconds = 30.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Delay the content."""
        return plan.late(self.extra_s, self.kind)
