"""Trouble after the reply is finished."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...exchange.options import Seconds
from ...plan import Ending, Plan
from ..base import FaultBase, Refusals

_ENDING: dict[str, Ending] = {
    "eof": "truncated",
    "reset": "reset",
    "silence": "stalled",
    "error": "in_band",
}


class BrokenEnd(FaultBase):
    """All content and the finish reason arrive, then no usage, no end marker, and this.

    - `variant`: "eof" (default): the body ends; "reset": a TCP reset; "silence": nothing for `hold_s` seconds
      (default 600), then the connection is closed; "error": the provider's error event (`status`: of this
      status; default: overloaded)

    A whole reply is complete too, in a body without a declared length that does not end: after the last byte
    the connection is closed ("eof", "error"), reset or silent. It is billed in full. Sources: tale#2771,
    opencrabs#694.
    """

    summary: ClassVar[str] = "trouble after the finish reason: end without [DONE], reset, silence, error"
    position: ClassVar[int] = 260

    kind: Literal["broken_end"] = "broken_end"
    variant: Literal["eof", "reset", "silence", "error"] = "eof"
    hold_s: Seconds = 600.0
    status: Annotated[int, Field(ge=400, le=599)] | None = None

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Break the reply after its finish."""
        if not plan.choices:
            return plan
        errors = refusals.errors
        problem = None
        if self.variant == "error":
            problem = errors.overloaded() if self.status is None else errors.of_status(self.status)
        hold_s = self.hold_s if self.variant == "silence" else 0.0
        return plan.broken_after_finish(_ENDING[self.variant], self.kind, hold_s=hold_s, in_band=problem)
