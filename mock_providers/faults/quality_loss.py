"""Answers get worse, and nobody says so."""

from dataclasses import replace
from typing import ClassVar, Literal

from ..plan import Plan
from .base import Circumstances, FaultBase, Scene, Share


class QualityLoss(FaultBase):
    """The share of right answers falls to `factor` (default 0.5) of what it was; nothing else tells."""

    summary: ClassVar[str] = "answers get worse on status 200: accuracy times factor"

    kind: Literal["quality_loss"] = "quality_loss"
    factor: Share = 0.5

    def alter(self, circumstances: Circumstances) -> Circumstances:
        """Less quality."""
        return circumstances._replace(quality=circumstances.quality * self.factor)

    def apply(self, plan: Plan, scene: Scene) -> Plan:
        """The same reply, marked in the ledger; what is not generated has no quality to lose."""
        return plan if plan.answer is None else replace(plan, fault=self.kind)
