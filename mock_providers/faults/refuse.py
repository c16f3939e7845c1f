"""Nobody is there to take the request."""

from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Refusals


class Refuse(FaultBase):
    """The connection is reset as soon as the request is read, before any byte of a reply.

    It is a reset and not ECONNREFUSED: whom a fault strikes is known only from the request, which comes over
    a connection that stands. A client reports a broken connection, not one that could not be made; for that,
    give it a port where nobody listens.
    """

    summary: ClassVar[str] = "the connection is reset (RST) once the request is read, instead of a reply"
    position: ClassVar[int] = 50

    kind: Literal["refuse"] = "refuse"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Nothing, abruptly."""
        return plan.reset_at_once(self.kind)
