"""Gemini's errors: `{"error": {"code", "message", "status", "details": [...]}}`, Google's error model."""

import math

from ...exchange.bad_field import BadField
from ...exchange.media.media import MediaKind
from ...exchange.request import Problem
from ...limits.limits import Verdict

_INVALID = "INVALID_ARGUMENT"
_STATUSES = {
    400: (_INVALID, "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_TYPE = "type.googleapis.com/google.rpc."
_METRIC = "generativelanguage.googleapis.com/generate_content_"


class GeminiErrors:
    """The errors of a provider that speaks Gemini's protocol; `Problem.details` is one item of `details`."""

    def bad_json(self) -> Problem:
        """The body is not JSON."""
        return Problem(400, _INVALID, "Invalid JSON payload received. Unable to parse the body.")

    def bad_field(self, bad: BadField) -> Problem:
        """A field is missing, unknown, or of a wrong type or value."""
        name = ".".join(str(step) for step in bad.path) or "body"
        message = {
            "missing": f"* GenerateContentRequest.{name}: must be specified",
            "type": f"Invalid value at '{name}', expected {bad.expected}",
            "minimum": f"* GenerateContentRequest.{name}: must be at least {bad.expected}",
            "choice": f"Invalid value at '{name}', expected one of {bad.expected}",
            "unknown": f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.',
            "unsupported": f"* GenerateContentRequest.{name}: {bad.expected}",
        }[bad.complaint]
        violation = {"field": name, "description": message}
        return Problem(
            400, _INVALID, message, details={"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}
        )

    def too_large(self, limit_bytes: int) -> Problem:
        """The body exceeds `limit_bytes`."""
        message = f"Request payload size exceeds the limit: {limit_bytes} bytes."
        return Problem(400, _INVALID, message)

    def no_key(self) -> Problem:
        """Neither the header nor the query has an API key."""
        message = (
            "Method doesn't allow unregistered callers (callers without established identity). Please use "
            "API Key or other form of API consumer identity to call this API."
        )
        return Problem(403, "PERMISSION_DENIED", message)

    def wrong_key(self, key: str) -> Problem:
        """A key that the profile does not list: a 400, not a 401."""
        details = {
            "@type": f"{_TYPE}ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
        return Problem(400, _INVALID, "API key not valid. Please pass a valid API key.", details=details)

    def unknown_path(self, method: str, path: str) -> Problem:
        """No endpoint has this path."""
        return self.of_status(404)

    def wrong_method(self, method: str, path: str) -> Problem:
        """The path has an endpoint, but not for this method: also a 404."""
        return self.of_status(404)

    def unknown_model(self, name: str) -> Problem:
        """The provider has no such model."""
        message = (
            f"models/{name} is not found for API version v1beta, or is not supported for generateContent. "
            "Call ListModels to see the list of available models and their supported methods."
        )
        return Problem(404, "NOT_FOUND", message)

    def model_retired(self, name: str) -> Problem:
        """The model has been retired. Source: google/adk-docs#1840."""
        message = (
            f"This model models/{name} is no longer available. Please update your code to use a newer model "
            "for the latest features and improvements."
        )
        return Problem(404, "NOT_FOUND", message)

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """The prompt exceeds the context window."""
        message = (
            f"The input token count ({input_tokens}) exceeds the maximum number of tokens allowed ({window})."
        )
        return Problem(400, _INVALID, message)

    def max_tokens_too_large(self, max_tokens: int, most: int, model: str) -> Problem:
        """`max_tokens` is above the model's `max_output_tokens`."""
        message = (
            f"Unable to submit request because it has a maxOutputTokens value of {max_tokens} but the "
            f"supported range is from 1 (inclusive) to {most + 1} (exclusive). Update the value."
        )
        return Problem(400, _INVALID, message)

    def rate_limited(self, verdict: Verdict, model: str) -> Problem:
        """A rate limit refuses; there is no time to wait when the request is larger than the limit."""
        meter, wait_s = verdict.refusal
        if meter.name in ("ramp", "concurrency"):
            return self.ramp_limited(wait_s)
        period = "PerDay" if meter.name.endswith("per_day") else "PerMinute"
        what = "Requests" if meter.name.startswith("requests") else "InputTokens"
        metric = _METRIC + ("requests" if what == "Requests" else "input_token_count")
        message = (
            "You exceeded your current quota, please check your plan and billing details.\n"
            f"* Quota exceeded for metric: {metric}, limit: {meter.limit}, model: {model}"
        )
        if wait_s is not None:
            message += f"\nPlease retry in {wait_s:.3f}s."
        violation = {
            "quotaMetric": metric,
            "quotaId": f"GenerateContent{what}{period}PerProjectPerModel",
            "quotaDimensions": {"location": "global", "model": model},
            "quotaValue": str(meter.limit),
        }
        details = {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}
        return Problem(429, "RESOURCE_EXHAUSTED", message, retry_after_s=wait_s, details=details)

    def request_over_limit(self, model: str, requested: int, limit: int) -> Problem:
        """The request alone has more tokens than a minute's limit: waiting does not help."""
        message = (
            "You exceeded your current quota, please check your plan and billing details.\n"
            f"* Quota exceeded for metric: {_METRIC}input_token_count, limit: {limit}, model: {model}, "
            f"requested: {requested}"
        )
        return Problem(429, "RESOURCE_EXHAUSTED", message)

    def credit_spent(self) -> Problem:
        """The prepaid credit is used up. Source: dyad-sh/dyad#3626."""
        message = (
            "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to "
            "manage your project and billing."
        )
        return Problem(429, "RESOURCE_EXHAUSTED", message)

    def prefill_refused(self) -> Problem:
        """The conversation ends with the model's turn. Source: songquanpeng/one-api#836."""
        message = "Please ensure that multiturn requests ends with a user role or a function response."
        return Problem(400, _INVALID, message)

    def media_refused(self, kind: MediaKind, model: str) -> Problem:
        """The model does not take such a part."""
        return Problem(400, _INVALID, f"{kind.capitalize()} input modality is not enabled for models/{model}")

    def max_tokens_refused(self) -> Problem:
        """The limit of the reply is not known to the model."""
        name = "generation_config.max_output_tokens"
        return Problem(
            400, _INVALID, f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
        )

    def ramp_limited(self, wait_s: float | None) -> Problem:
        """The ramp or concurrency limit refuses; no quota is named."""
        message = "Resource has been exhausted (e.g. check quota)."
        return Problem(429, "RESOURCE_EXHAUSTED", message, retry_after_s=wait_s)

    def quota_exhausted(self) -> Problem:
        """The quota is spent: waiting does not help."""
        message = "You exceeded your current quota, please check your plan and billing details."
        return Problem(429, "RESOURCE_EXHAUSTED", message)

    def overloaded(self) -> Problem:
        """The provider is overloaded."""
        return self.of_status(503)

    def of_status(self, status: int) -> Problem:
        """The usual error for an HTTP status."""
        usual = ("INTERNAL" if status >= 500 else _INVALID, f"The request failed with status {status}.")
        return Problem(status, *_STATUSES.get(status, usual))


def error_details(problem: Problem) -> list[object]:
    """The `details` of an error object: the problem's own, and a RetryInfo when it has a time to wait."""
    details: list[object] = [] if problem.details is None else [problem.details]
    if problem.retry_after_s is not None and not math.isinf(problem.retry_after_s):
        delay = f"{max(1, math.ceil(problem.retry_after_s))}s"
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
    return details
