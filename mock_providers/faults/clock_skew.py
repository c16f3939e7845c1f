"""The provider's clock is wrong, and so are the times in its headers."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import FaultBase, Refusals


class ClockSkew(FaultBase):
    """Reset times in headers are wrong by `skew_s` seconds (default 300; negative: behind)."""

    summary: ClassVar[str] = "reset headers are wrong by skew_s"
    position: ClassVar[int] = 190

    kind: Literal["clock_skew"] = "clock_skew"
    skew_s: Annotated[float, Field(allow_inf_nan=False)] = 300.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Skew the headers of the reply."""
        return replace(plan, clock_skew_s=self.skew_s, fault=self.kind)
