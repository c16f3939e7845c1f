"""Anthropic's errors: `{"type": "error", "error": {"type", "message"}, "request_id"}`."""

from ...exchange.bad_field import BadField
from ...exchange.media.media import MediaKind
from ...exchange.request import Problem
from ...limits.limits import Verdict

_INVALID = "invalid_request_error"
_TYPES_BY_STATUS = {
    400: _INVALID,
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MESSAGES_BY_STATUS = {
    402: "There is an issue with your billing or payment information.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not found",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit. Please try again later.",
    500: "Internal server error",
    504: "The request timed out while processing.",
}
_VALID = {"array": "list", "object": "dictionary"}


class AnthropicErrors:
    """The errors of a provider that speaks Anthropic's protocol."""

    def bad_json(self) -> Problem:
        """The body is not JSON."""
        return Problem(400, _INVALID, "The request body is not valid JSON.")

    def bad_field(self, bad: BadField) -> Problem:
        """A field is missing, unknown, or of a wrong type or value."""
        message = {
            "missing": "Field required",
            "type": f"Input should be a valid {_VALID.get(bad.expected, bad.expected)}",
            "minimum": f"Input should be greater than or equal to {bad.expected}",
            "choice": f"Input should be {bad.expected}",
            "unknown": "Extra inputs are not permitted",
            "unsupported": bad.expected,
        }[bad.complaint]
        name = ".".join(str(step) for step in bad.path)
        return Problem(400, _INVALID, f"{name}: {message}" if name else message)

    def too_large(self, limit_bytes: int) -> Problem:
        """The body exceeds `limit_bytes`."""
        message = f"Request exceeds the maximum size of {limit_bytes} bytes"
        return Problem(413, "request_too_large", message)

    def no_key(self) -> Problem:
        """The request has neither `x-api-key` nor a bearer token."""
        return Problem(401, "authentication_error", "x-api-key header is required")

    def wrong_key(self, key: str) -> Problem:
        """The profile does not list this key."""
        return Problem(401, "authentication_error", "invalid x-api-key")

    def unknown_path(self, method: str, path: str) -> Problem:
        """No endpoint has this path."""
        return Problem(404, "not_found_error", "Not found")

    def wrong_method(self, method: str, path: str) -> Problem:
        """The path has an endpoint, but not for this method."""
        return Problem(405, _INVALID, "Method Not Allowed")

    def unknown_model(self, name: str) -> Problem:
        """The provider has no such model."""
        return Problem(404, "not_found_error", f"model: {name}")

    def model_retired(self, name: str) -> Problem:
        """The model has been retired: as if there were no such model. Source:
        spring-projects/spring-ai#2387.
        """
        return self.unknown_model(name)

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """The prompt, or prompt and `max_tokens` together, exceed the context window."""
        if input_tokens > window:
            return Problem(400, _INVALID, f"prompt is too long: {input_tokens} tokens > {window} maximum")
        message = (
            f"input length and `max_tokens` exceed context limit: {input_tokens} + {max_tokens} > {window}, "
            "decrease input length or `max_tokens` and try again"
        )
        return Problem(400, _INVALID, message)

    def max_tokens_too_large(self, max_tokens: int, most: int, model: str) -> Problem:
        """`max_tokens` is above the model's `max_output_tokens`."""
        message = (
            f"max_tokens: {max_tokens} > {most}, the maximum allowed number of output tokens for {model}"
        )
        return Problem(400, _INVALID, message)

    def rate_limited(self, verdict: Verdict, model: str) -> Problem:
        """A rate limit refuses; there is no time to wait when the request is larger than the limit."""
        meter, wait_s = verdict.refusal
        if meter.name == "ramp":
            return self.ramp_limited(wait_s)
        if meter.name == "concurrency":
            message = "Number of concurrent connections has exceeded your rate limit. Please try again later."
            return Problem(429, "rate_limit_error", message, retry_after_s=wait_s)
        period = "" if meter.name.endswith("per_day") else " per minute"
        message = (
            "This request would exceed your organization's rate limit of "
            f"{meter.limit:,} {meter.name.replace('_', ' ')}{period} for {model}."
        )
        return Problem(429, "rate_limit_error", message, retry_after_s=wait_s)

    def request_over_limit(self, model: str, requested: int, limit: int) -> Problem:
        """The request alone has more tokens than a minute's limit: waiting does not help."""
        message = (
            f"This request would exceed your organization's rate limit of {limit:,} input tokens per minute "
            f"for {model}: it has {requested:,}."
        )
        return Problem(429, "rate_limit_error", message)

    def credit_spent(self) -> Problem:
        """The prepaid credit is used up: a 400. Sources: mozilla-ai/otari#483, freellmapi#66."""
        message = (
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to "
            "upgrade or purchase credits."
        )
        return Problem(400, _INVALID, message)

    def prefill_refused(self) -> Problem:
        """The conversation ends with an assistant message, which Claude 4.6 and later do not continue.

        Sources: platform.claude.com/docs/en/api/errors#prefill-not-supported, litellm#27967.
        """
        message = (
            "This model does not support assistant message prefill. The conversation must end with a user "
            "message."
        )
        return Problem(400, _INVALID, message)

    def media_refused(self, kind: MediaKind, model: str) -> Problem:
        """The model does not take such a content block."""
        return Problem(400, _INVALID, f"'{model}' does not support {kind} input.")

    def max_tokens_refused(self) -> Problem:
        """`max_tokens` is required here: refused as unknown."""
        return Problem(400, _INVALID, "max_tokens: Extra inputs are not permitted")

    def ramp_limited(self, wait_s: float | None) -> Problem:
        """Traffic grows faster than the ramp limit allows."""
        message = "This request would exceed the rate at which your usage may grow. Please ramp up gradually."
        details = {"error_code": "ramp_limit_exceeded"}
        return Problem(429, "rate_limit_error", message, retry_after_s=wait_s, details=details)

    def quota_exhausted(self) -> Problem:
        """The spend limit is reached: waiting does not help."""
        message = "You have reached your specified API usage limits."
        details = {"error_code": "enforced_spend_limit_reached"}
        return Problem(429, "rate_limit_error", message, details=details)

    def overloaded(self) -> Problem:
        """The provider is overloaded."""
        return Problem(529, "overloaded_error", "Overloaded")

    def of_status(self, status: int) -> Problem:
        """The usual error for an HTTP status."""
        if status == 529:
            return self.overloaded()
        error_type = _TYPES_BY_STATUS.get(status, "api_error" if status >= 500 else _INVALID)
        message = _MESSAGES_BY_STATUS.get(status, f"The request failed with status {status}.")
        return Problem(status, error_type, message)
