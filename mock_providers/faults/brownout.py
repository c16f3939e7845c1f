"""The provider replies, but slowly."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..exchange.options import Seconds
from ..plan import Plan
from .base import FaultBase, Refusals


class Brownout(FaultBase):
    """`extra_s` more before the first token (default 0), gaps `slowdown` times as long (default 1)."""

    summary: ClassVar[str] = "replies come late (extra_s) and slowly (slowdown)"
    position: ClassVar[int] = 70

    kind: Literal["brownout"] = "brownout"
    extra_s: Seconds = 0.0
    slowdown: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Delay the reply."""
        return plan.delayed(self.extra_s, self.slowdown, self.kind)
