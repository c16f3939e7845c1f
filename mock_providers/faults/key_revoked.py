"""An API key stops working."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Refusals


class KeyRevoked(FaultBase):
    """The key named by `key` (default: every key) is refused as invalid: 401, from Gemini 400."""

    summary: ClassVar[str] = "the key is refused as invalid (401, Gemini 400)"
    position: ClassVar[int] = 40

    kind: Literal["key_revoked"] = "key_revoked"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse the request."""
        return plan.refused(
            refusals.errors.wrong_key(self.key or "revoked"), refusals.error_latency_s, self.kind
        )
