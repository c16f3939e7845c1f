"""An error that comes when the status line has promised success."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class InBandError(FaultBase):
    """After `after_chunks` content chunks (default 5) an error in place of the rest, as the body of a 200.

    `status` picks the error: that which the provider would send with this status (default: overloaded).
    """

    summary: ClassVar[str] = "an error event inside a reply that began with status 200"
    position: ClassVar[int] = 150

    kind: Literal["in_band_error"] = "in_band_error"
    after_chunks: Chunks = 5
    status: Annotated[int, Field(ge=400, le=599)] | None = None

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The same reply up to there."""
        errors = refusals.errors
        problem = errors.overloaded() if self.status is None else errors.of_status(self.status)
        return plan.cut_after(self.after_chunks, "in_band", self.kind, in_band=problem)
