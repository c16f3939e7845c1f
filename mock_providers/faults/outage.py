"""The provider is down: every request is refused as overloaded."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Refusals


class Outage(FaultBase):
    """The provider's own overload error: 503 from OpenAI, Together and Gemini, 529 from Anthropic."""

    summary: ClassVar[str] = "every request refused as overloaded (503, Anthropic 529)"
    position: ClassVar[int] = 10

    kind: Literal["outage"] = "outage"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse the request."""
        return plan.refused(refusals.errors.overloaded(), refusals.error_latency_s, self.kind)
