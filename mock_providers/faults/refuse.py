"""The provider resets the connection instead of a reply."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Refusals


class Refuse(FaultBase):
    """The connection is reset as soon as the request is read, before any byte of a reply.

    It is a reset and not ECONNREFUSED: whether a fault matches is known only from the request, which needs an
    established connection. A client reports a broken connection, not a failed connect; for that, give it a
    port without a listener.
    """

    summary: ClassVar[str] = "the connection is reset (RST) once the request is read, instead of a reply"
    position: ClassVar[int] = 50

    kind: Literal["refuse"] = "refuse"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Reset the connection at once."""
        return plan.reset_at_once(self.kind)
