"""All providers of one region go down together."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import FaultBase, Refusals, Target


class RegionOutage(FaultBase):
    """Every provider in `region` is overloaded (503, Anthropic 529)."""

    summary: ClassVar[str] = "every provider of a region is down"
    position: ClassVar[int] = 20

    kind: Literal["region_outage"] = "region_outage"
    region: Annotated[str, Field(min_length=1)]

    def matches(self, target: Target, t_s: float) -> bool:
        """Only requests to that region."""
        return target.region == self.region and super().matches(target, t_s)

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse the request."""
        return plan.refused(refusals.errors.overloaded(), refusals.error_latency_s, self.kind)
