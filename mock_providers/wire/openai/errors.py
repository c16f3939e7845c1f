"""OpenAI's errors: `{"error": {"message", "type", "param", "code"}}`, with its types and codes."""

import math

from ...exchange.bad_field import BadField
from ...exchange.media.media import MediaKind
from ...exchange.request import Problem
from ...limits.limits import Verdict
from .bad_fields import bad_field_problem
from .durations import go_duration

_INVALID = "invalid_request_error"
_LIMIT_NAMES = {
    "requests": ("requests per min (RPM)", "requests"),
    "tokens": ("tokens per min (TPM)", "tokens"),
    "input_tokens": ("input tokens per min (TPM)", "tokens"),
    "output_tokens": ("output tokens per min (TPM)", "tokens"),
    "requests_per_day": ("requests per day (RPD)", "requests"),
    "tokens_per_day": ("tokens per day (TPD)", "tokens"),
    "concurrency": ("concurrent requests", "requests"),
}
_BY_STATUS: dict[int, tuple[str, str | None]] = {
    401: (_INVALID, "invalid_api_key"),
    403: ("request_forbidden", "unsupported_country_region_territory"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAIErrors:
    """The errors of a provider that speaks OpenAI's protocol."""

    def __init__(self, organization: str) -> None:
        self._organization = organization

    def bad_json(self) -> Problem:
        """The body is not JSON."""
        return Problem(
            400, _INVALID, "We could not parse the JSON body of your request: it is not valid JSON."
        )

    def bad_field(self, bad: BadField) -> Problem:
        """A field is missing, unknown, or of a wrong type or value."""
        return bad_field_problem(bad)

    def too_large(self, limit_bytes: int) -> Problem:
        """The body exceeds `limit_bytes`."""
        return Problem(413, _INVALID, f"Request body too large: the limit is {limit_bytes} bytes.")

    def no_key(self) -> Problem:
        """No Authorization header."""
        return Problem(
            401,
            _INVALID,
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            "invalid_api_key",
        )

    def wrong_key(self, key: str) -> Problem:
        """The profile does not list this key."""
        shown = f"{key[:3]}***{key[-4:]}" if len(key) > 10 else "***"
        return Problem(401, _INVALID, f"Incorrect API key provided: {shown}.", "invalid_api_key")

    def unknown_path(self, method: str, path: str) -> Problem:
        """No endpoint has this path."""
        return Problem(404, _INVALID, f"Invalid URL ({method} {path})")

    def wrong_method(self, method: str, path: str) -> Problem:
        """The path has an endpoint, but not for this method."""
        return Problem(405, _INVALID, f"Not allowed to {method} on {path}.", "method_not_supported")

    def unknown_model(self, name: str) -> Problem:
        """The provider has no such model."""
        message = f"The model `{name}` does not exist or you do not have access to it."
        return Problem(404, _INVALID, message, "model_not_found")

    def model_retired(self, name: str) -> Problem:
        """The model has been retired. Source: openai/openai-quickstart-node#127."""
        message = (
            f"The model `{name}` has been deprecated, learn more here: "
            "https://platform.openai.com/docs/deprecations"
        )
        return Problem(404, _INVALID, message, "model_not_found")

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """The prompt and `max_tokens` together exceed the context window."""
        counted = f"your messages resulted in {input_tokens} tokens"
        if max_tokens:
            counted = (
                f"you requested {input_tokens + max_tokens} tokens "
                f"({input_tokens} in the messages, {max_tokens} in the completion)"
            )
        remedy = "messages or completion" if max_tokens else "messages"
        return Problem(
            400,
            _INVALID,
            f"This model's maximum context length is {window} tokens. However, {counted}. "
            f"Please reduce the length of the {remedy}.",
            "context_length_exceeded",
            "messages",
        )

    def max_tokens_too_large(self, max_tokens: int, most: int, model: str) -> Problem:
        """`max_tokens` is above the model's `max_output_tokens`."""
        return Problem(
            400,
            _INVALID,
            f"max_tokens is too large: {max_tokens}. {model} supports at most {most} completion tokens.",
            "invalid_value",
            "max_tokens",
        )

    def rate_limited(self, verdict: Verdict, model: str) -> Problem:
        """A rate limit refuses; there is no time to wait when the request is larger than the limit."""
        meter, wait_s = verdict.refusal
        if meter.name == "ramp":
            return self.ramp_limited(wait_s)
        limit_name, error_type = _LIMIT_NAMES[meter.name]
        where = f"for {model} in organization {self._organization} on {limit_name}: Limit {meter.limit}"
        if wait_s is None:
            return self._over_limit(f"{where}, Requested {meter.requested}", error_type)
        message = (
            f"Rate limit reached {where}, Used {meter.limit - math.floor(meter.remaining)}, "
            f"Requested {meter.requested}. Please try again in {go_duration(wait_s)}."
        )
        return Problem(429, error_type, message, "rate_limit_exceeded", retry_after_s=wait_s)

    def request_over_limit(self, model: str, requested: int, limit: int) -> Problem:
        """The request alone has more tokens than a minute's limit: waiting does not help."""
        where = f"for {model} in organization {self._organization} on tokens per min (TPM): Limit {limit}"
        return self._over_limit(f"{where}, Requested {requested}", "tokens")

    def _over_limit(self, where: str, error_type: str) -> Problem:
        message = (
            f"Request too large {where}. The input or output tokens must be reduced in order to run "
            "successfully. Visit https://platform.openai.com/account/rate-limits to learn more."
        )
        return Problem(429, error_type, message, "rate_limit_exceeded")

    def ramp_limited(self, wait_s: float | None) -> Problem:
        """Traffic grows faster than the ramp limit allows."""
        message = (
            "Slow down: your request rate has increased too quickly. Please reduce it and ramp up gradually."
        )
        return Problem(429, "rate_limit_error", message, "slow_down", retry_after_s=wait_s)

    def quota_exhausted(self) -> Problem:
        """The credit is spent: waiting does not help."""
        message = (
            "You exceeded your current quota, please check your plan and billing details. "
            "For more information on this error, read the docs."
        )
        return Problem(429, "insufficient_quota", message, "insufficient_quota")

    def credit_spent(self) -> Problem:
        """The account's spending limit is reached: a 400. Source: PowerShellAI#127."""
        return Problem(400, _INVALID, "Billing hard limit has been reached", "billing_hard_limit_reached")

    def prefill_refused(self) -> Problem:
        """The conversation ends with an assistant message: Claude behind a gateway. Source: litellm#27967."""
        message = (
            "This model does not support assistant message prefill. The conversation must end with a user "
            "message."
        )
        return Problem(400, _INVALID, message)

    def media_refused(self, kind: MediaKind, model: str) -> Problem:
        """The model does not take such a content part. Source: vllm-project/vllm#11629."""
        name = {"image": "image_url", "audio": "input_audio"}.get(kind, "file")
        message = f"Invalid content type. {name} is only supported by certain models."
        return Problem(400, _INVALID, message, param="messages")

    def max_tokens_refused(self) -> Problem:
        """`max_tokens` for a model that wants `max_completion_tokens`. Source: mnfst/llm-gateway#1878."""
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead."
        )
        return Problem(400, _INVALID, message, "unsupported_parameter", "max_tokens")

    def overloaded(self) -> Problem:
        """The provider is overloaded."""
        message = "The server is currently overloaded with other requests. Please try again later."
        return Problem(503, "service_unavailable_error", message, "server_is_overloaded")

    def of_status(self, status: int) -> Problem:
        """The usual error for an HTTP status."""
        if status == 503:
            return self.overloaded()
        usual = ("server_error" if status >= 500 else _INVALID, None)
        error_type, code = _BY_STATUS.get(status, usual)
        return Problem(status, error_type, f"The request failed with status {status}.", code)
