"""Requests answered with an HTTP error."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..plan import Plan
from .base import FaultBase, Scene


class HttpError(FaultBase):
    """Any error status, with the body that the provider sends with it (default 500)."""

    summary: ClassVar[str] = "requests answered with an HTTP error status (default 500)"

    kind: Literal["http_error"] = "http_error"
    status: Annotated[int, Field(ge=400, le=599)] = 500

    def apply(self, plan: Plan, scene: Scene) -> Plan:
        """A refusal instead of the reply."""
        return plan.refused(scene.errors.of_status(self.status), scene.error_latency_s, self.kind)
