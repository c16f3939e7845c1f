"""Requests answered with an HTTP error."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..errors import Errors
from ..exchange.options import Seconds
from ..exchange.request import Problem
from ..plan import Plan
from .base import FaultBase, Refusals
from .html_200 import html_page

Variant = Literal["plain", "quota_exhausted", "ramp_limit", "html"]


class HttpError(FaultBase):
    """Any error status, with the body that the provider sends with it.

    - `status`: default 500
    - `variant`: "plain" (default); with status 429 "quota_exhausted" (the budget is spent, a retry never
      helps) or "ramp_limit" (traffic grew too fast); "html": a proxy's page instead of JSON
    - `retry_after_s`: the wait in `retry-after` (default: no header)
    - `should_retry`: the `x-should-retry` header (default: not sent)
    """

    summary: ClassVar[str] = "requests answered with an HTTP error status (default 500)"
    position: ClassVar[int] = 30

    kind: Literal["http_error"] = "http_error"
    status: Annotated[int, Field(ge=400, le=599)] = 500
    variant: Variant = "plain"
    retry_after_s: Seconds | None = None
    should_retry: bool | None = None

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse the request."""
        if self.variant == "html":
            return plan.replaced_by_page(
                html_page(self.status), self.status, refusals.error_latency_s, self.kind
            )
        problem = replace(self._problem(refusals.errors), status=self.status)
        if self.retry_after_s is not None:
            problem = replace(problem, retry_after_s=self.retry_after_s)
        if self.should_retry is not None:
            problem = replace(problem, should_retry=self.should_retry)
        return plan.refused(problem, refusals.error_latency_s, self.kind)

    def _problem(self, errors: Errors) -> Problem:
        match self.variant:
            case "quota_exhausted":
                return errors.quota_exhausted()
            case "ramp_limit":
                return errors.ramp_limited(self.retry_after_s)
            case _:
                return errors.of_status(self.status)
