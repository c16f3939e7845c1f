"""The provider takes the request at once and thinks for long."""

from typing import ClassVar, Literal

from ..exchange.options import Seconds
from ..plan import Plan
from .base import FaultBase, Refusals


class SlowFirstToken(FaultBase):
    """The headers in time, then `extra_s` more (default 30) before the first token."""

    summary: ClassVar[str] = "headers in time, the first token extra_s late"
    position: ClassVar[int] = 80

    kind: Literal["slow_first_token"] = "slow_first_token"
    extra_s: Seconds = 30.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The same reply, its content later."""
        return plan.late(self.extra_s, self.kind)
