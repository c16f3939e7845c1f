"""Answers get worse, and nobody says so."""

from dataclasses import replace
from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, FaultEffects, Refusals, Share


class QualityLoss(FaultBase):
    """The share of right answers falls to `factor` (default 0.5) of what it was; nothing else tells."""

    summary: ClassVar[str] = "answers get worse on status 200: accuracy times factor"
    position: ClassVar[int] = 170

    kind: Literal["quality_loss"] = "quality_loss"
    factor: Share = 0.5

    def alter(self, effects: FaultEffects) -> FaultEffects:
        """Less quality."""
        return effects._replace(quality=effects.quality * self.factor)

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The same reply, marked in the ledger; what is not generated has no quality to lose."""
        return plan if plan.answer is None else replace(plan, fault=self.kind)
