"""Answers get worse without an error."""

from dataclasses import replace
from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, FaultEffects, Refusals, Share


class QualityLoss(FaultBase):
    """The share of right answers is multiplied by `factor` (default 0.5); replies look normal."""

    summary: ClassVar[str] = "answers get worse on status 200: accuracy times factor"
    position: ClassVar[int] = 170

    kind: Literal["quality_loss"] = "quality_loss"
    factor: Share = 0.5

    def alter(self, effects: FaultEffects) -> FaultEffects:
        """Reduce the quality."""
        return effects._replace(quality=effects.quality * self.factor)

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Name the fault in the ledger, for replies that are generated."""
        return plan if plan.answer is None else replace(plan, fault=self.kind)
