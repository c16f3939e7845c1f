"""Requests answered with an HTTP error."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..exchange.options import Seconds
from ..exchange.request import Problem
from ..plan import Plan
from .base import FaultBase, Refusals, Target
from .html_200 import html_page

Variant = Literal[
    "plain",
    "html",
    "quota_exhausted",
    "ramp_limit",
    "request_over_limit",
    "credit_spent",
    "context_length",
    "context_length_with_reply",
    "too_large",
    "model_gone",
    "prefill",
    "max_tokens",
]
_OTHER_TOKENS = 50_000
_LIMIT_TOKENS = 30_000


def _too_long(refusals: Refusals, plan: Plan) -> Problem:
    window = max(1, plan.input_tokens // 2)
    return refusals.errors.prompt_too_long(plan.input_tokens or window + 1, 0, window)


def _too_long_with_reply(refusals: Refusals, plan: Plan) -> Problem:
    window = plan.input_tokens + 100
    return refusals.errors.prompt_too_long(plan.input_tokens, 101, window)


_PROBLEMS: Mapping[str, Callable[[Refusals, Plan], Problem]] = {
    "quota_exhausted": lambda refusals, plan: refusals.errors.quota_exhausted(),
    "request_over_limit": lambda refusals, plan: refusals.errors.request_over_limit(
        refusals.model, _OTHER_TOKENS, _LIMIT_TOKENS
    ),
    "credit_spent": lambda refusals, plan: refusals.errors.credit_spent(),
    "context_length": _too_long,
    "context_length_with_reply": _too_long_with_reply,
    "too_large": lambda refusals, plan: refusals.errors.too_large(1024 * 1024),
    "model_gone": lambda refusals, plan: refusals.errors.unknown_model(refusals.model),
    "prefill": lambda refusals, plan: refusals.errors.prefill_refused(),
    "max_tokens": lambda refusals, plan: refusals.errors.max_tokens_refused(),
}


class HttpError(FaultBase):
    """Any error status, with the body that the provider sends with it.

    - `variant`: "plain" (default); "html": a proxy's page instead of JSON; or a refusal in the provider's own
      words: "quota_exhausted" (the budget is spent: a retry never helps), "credit_spent" (the same as a 400,
      from Anthropic and OpenAI), "ramp_limit" (traffic grew too fast), "request_over_limit" (a 429 that no
      wait helps: the request alone exceeds the limit), "context_length", "context_length_with_reply" (prompt
      and `max_tokens` together), "too_large" (413), "model_gone" (404), "prefill" (only requests that end
      with an assistant message), "max_tokens" (OpenAI's wish for `max_completion_tokens`)
    - `status`: default that of the variant; 500 for "plain" and "html"
    - `sent_status`: the status line, where it differs from the error's; 200: an error that looks like a
      success
    - `retry_after_s`: the wait in `retry-after` (default: no header)
    - `should_retry`: the `x-should-retry` header (default: not sent)
    """

    summary: ClassVar[str] = "requests answered with an HTTP error status (default 500)"
    position: ClassVar[int] = 30

    kind: Literal["http_error"] = "http_error"
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    variant: Variant = "plain"
    sent_status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after_s: Seconds | None = None
    should_retry: bool | None = None

    def aims_at(self, target: Target) -> bool:
        """Prefill is refused only where there is one."""
        return (target.prefilled or self.variant != "prefill") and super().aims_at(target)

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """Refuse the request."""
        if self.variant == "html":
            status = self.sent_status or self.status or 500
            return plan.replaced_by_page(html_page(status), status, refusals.error_latency_s, self.kind)
        problem = self._problem(refusals, plan)
        if self.status is not None:
            problem = replace(problem, status=self.status)
        if self.retry_after_s is not None:
            problem = replace(problem, retry_after_s=self.retry_after_s)
        if self.should_retry is not None:
            problem = replace(problem, should_retry=self.should_retry)
        refused = plan.refused(problem, refusals.error_latency_s, self.kind)
        return refused if self.sent_status is None else replace(refused, status=self.sent_status)

    def _problem(self, refusals: Refusals, plan: Plan) -> Problem:
        if self.variant == "plain":
            return refusals.errors.of_status(self.status or 500)
        if self.variant == "ramp_limit":
            return refusals.errors.ramp_limited(self.retry_after_s)
        return _PROBLEMS[self.variant](refusals, plan)
