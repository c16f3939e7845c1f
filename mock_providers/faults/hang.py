"""The provider reads the request and never replies."""

from typing import ClassVar, Literal

from ..exchange.options import Seconds
from ..plan import Plan
from .base import FaultBase, Refusals


class Hang(FaultBase):
    """No headers for `hold_s` seconds (default 600) or until the client leaves, then a closed connection."""

    summary: ClassVar[str] = "no headers at all: the request is held, then the connection closed"
    position: ClassVar[int] = 60

    kind: Literal["hang"] = "hang"
    hold_s: Seconds = 600.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Hold the connection, then close it."""
        return plan.hung(self.hold_s, self.kind)
