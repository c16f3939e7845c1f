"""A model's retirement, played on a schedule: announced in headers, then carried out."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import FaultBase, Refusals


class Deprecated(FaultBase):
    """Replies announce in the headers `deprecation` and `sunset` that the model retires `in_s` seconds after
    them (default: a week).
    """

    summary: ClassVar[str] = "headers announce that the model retires in_s from now"
    position: ClassVar[int] = 195

    kind: Literal["deprecated"] = "deprecated"
    in_s: Annotated[float, Field(ge=0, le=60 * 86_400)] = 7 * 86_400.0

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Announce the retirement."""
        return replace(plan.announcing(self.in_s), fault=self.kind)


class Retired(FaultBase):
    """The model (default: every model) is refused as retired, in the provider's words: 404, from Together
    400.
    """

    summary: ClassVar[str] = "the model is refused as retired (404, Together 400)"
    position: ClassVar[int] = 45

    kind: Literal["retired"] = "retired"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse a request that names a model."""
        if not refusals.model:
            return plan
        gone = refusals.errors.model_retired(refusals.model)
        return plan.refused(gone, refusals.error_latency_s, self.kind)
