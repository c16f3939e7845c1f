"""An error inside a reply that began with status 200."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import Chunks, FaultBase, Refusals


class InBandError(FaultBase):
    """After `after_chunks` content chunks (default 5) an error instead of the rest; in JSON, as the body.

    `status`: the error that the provider sends with this status (default: overloaded).
    """

    summary: ClassVar[str] = "an error event inside a reply that began with status 200"
    position: ClassVar[int] = 150

    kind: Literal["in_band_error"] = "in_band_error"
    after_chunks: Chunks = 5
    status: Annotated[int, Field(ge=400, le=599)] | None = None

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Cut the reply and append the error."""
        errors = refusals.errors
        problem = errors.overloaded() if self.status is None else errors.of_status(self.status)
        return plan.cut_after(self.after_chunks, "in_band", self.kind, in_band=problem)
