"""Nobody is there to take the request."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Scene


class Refuse(FaultBase):
    """The connection is reset as soon as the request is read, before any byte of a reply."""

    summary: ClassVar[str] = "the connection is reset before any byte of a reply"

    kind: Literal["refuse"] = "refuse"

    def apply(self, plan: Plan, scene: Scene) -> Plan:
        """Nothing, abruptly."""
        return plan.unheard(self.kind)
