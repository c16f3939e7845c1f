"""A proxy answers with a web page instead of the provider."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from ..plan import Plan
from .base import FaultBase, Refusals

_BODILESS = (204, 205, 304)


def _has_a_body(status: int) -> int:
    if status in _BODILESS:
        raise ValueError("expected a status whose responses have a body, not 204, 205 or 304")
    return status


class Html200(FaultBase):
    """An HTML page with status 200 (or `status`), as a proxy or captive portal sends it."""

    summary: ClassVar[str] = "status 200 with a page of HTML instead of the reply"
    position: ClassVar[int] = 160

    kind: Literal["html_200"] = "html_200"
    status: Annotated[int, Field(ge=200, le=599), AfterValidator(_has_a_body)] = 200

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Replace the reply by the page."""
        return plan.replaced_by_page(html_page(self.status), self.status, refusals.error_latency_s, self.kind)


def html_page(status: int) -> str:
    """The page that a proxy sends with this status."""
    title = "Welcome" if status < 400 else f"{status} Bad Gateway"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
