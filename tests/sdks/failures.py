"""Failures that a client can meet, as tables: how each SDK reports each one, and how often it retries.

An outcome is written `class status name xN`: the class with its package, the HTTP status if the error has
one, the provider's name for the error (its code, else its type), and N requests in the provider's ledger. The
SDKs have their default of two retries. Measured with openai 3.54 and 2.54, anthropic 2.12 and 0.125; where
the previous generation differs, OLDER has its outcome.
"""

from typing import Any, NamedTuple

from tests.sdks.lab import CURRENT_SDKS, user
from tests.sdks.oddities import ODDITIES

Fault = dict[str, Any]

HTTP = "httpx2" if CURRENT_SDKS else "httpx"


def status(code: int, **more: Any) -> Fault:
    return {"kind": "http_error", "status": code, **more}


def after_3(kind: str, **more: Any) -> Fault:
    return {"kind": kind, "after_chunks": 3, **more}


REFUSALS: dict[str, tuple[Fault, str, str]] = {
    "400": (
        status(400),
        "openai.BadRequestError 400 invalid_request_error x1",
        "anthropic.BadRequestError 400 invalid_request_error x1",
    ),
    "400-to-be-retried": (
        status(400, should_retry=True),
        "openai.BadRequestError 400 invalid_request_error x3",
        "anthropic.BadRequestError 400 invalid_request_error x3",
    ),
    "401": (
        status(401),
        "openai.AuthenticationError 401 invalid_api_key x1",
        "anthropic.AuthenticationError 401 authentication_error x1",
    ),
    "revoked-key": (
        {"kind": "key_revoked"},
        "openai.AuthenticationError 401 invalid_api_key x1",
        "anthropic.AuthenticationError 401 authentication_error x1",
    ),
    "402": (
        status(402),
        "openai.APIStatusError 402 invalid_request_error x1",
        "anthropic.PaymentRequiredError 402 billing_error x1",
    ),
    "403": (
        status(403),
        "openai.PermissionDeniedError 403 unsupported_country_region_territory x1",
        "anthropic.PermissionDeniedError 403 permission_error x1",
    ),
    "404": (
        status(404),
        "openai.NotFoundError 404 invalid_request_error x1",
        "anthropic.NotFoundError 404 not_found_error x1",
    ),
    "408": (
        status(408),
        "openai.APIStatusError 408 invalid_request_error x3",
        "anthropic.RequestTimeoutError 408 invalid_request_error x3",
    ),
    "409": (
        status(409),
        "openai.ConflictError 409 invalid_request_error x3",
        "anthropic.ConflictError 409 invalid_request_error x3",
    ),
    "413": (
        status(413),
        "openai.APIStatusError 413 invalid_request_error x1",
        "anthropic.ContentTooLargeError 413 request_too_large x1",
    ),
    "422": (
        status(422),
        "openai.UnprocessableEntityError 422 invalid_request_error x1",
        "anthropic.UnprocessableEntityError 422 invalid_request_error x1",
    ),
    "429": (
        status(429),
        "openai.RateLimitError 429 rate_limit_exceeded x3",
        "anthropic.RateLimitError 429 rate_limit_error x3",
    ),
    "429-after-a-second": (
        status(429, retry_after_s=0.5),
        "openai.RateLimitError 429 rate_limit_exceeded x3",
        "anthropic.RateLimitError 429 rate_limit_error x3",
    ),
    # openai gives up on a hint of more than two minutes; anthropic 2 waits any time.
    "429-after-200-s": (
        status(429, retry_after_s=200.0),
        "openai.RateLimitError 429 rate_limit_exceeded x1",
        "asleep x1",
    ),
    "429-ramp": (
        status(429, variant="ramp_limit", retry_after_s=0.5),
        "openai.RateLimitError 429 slow_down x3",
        "anthropic.RampLimitExceededError 429 rate_limit_error x3",
    ),
    # Waiting cannot help here, yet both retry unless x-should-retry says no.
    "429-quota": (
        status(429, variant="quota_exhausted"),
        "openai.RateLimitError 429 insufficient_quota x3",
        "anthropic.EnforcedSpendLimitReachedError 429 rate_limit_error x3",
    ),
    "429-quota-not-to-be-retried": (
        status(429, variant="quota_exhausted", should_retry=False),
        "openai.RateLimitError 429 insufficient_quota x1",
        "anthropic.EnforcedSpendLimitReachedError 429 rate_limit_error x1",
    ),
    "500": (
        status(500),
        "openai.InternalServerError 500 server_error x3",
        "anthropic.InternalServerError 500 api_error x3",
    ),
    "500-not-to-be-retried": (
        status(500, should_retry=False),
        "openai.InternalServerError 500 server_error x1",
        "anthropic.InternalServerError 500 api_error x1",
    ),
    "502": (
        status(502),
        "openai.InternalServerError 502 server_error x3",
        "anthropic.InternalServerError 502 api_error x3",
    ),
    "502-page": (
        status(502, variant="html"),
        "openai.InternalServerError 502 x3",
        "anthropic.InternalServerError 502 x3",
    ),
    "503": (
        status(503),
        "openai.InternalServerError 503 server_is_overloaded x3",
        "anthropic.ServiceUnavailableError 503 api_error x3",
    ),
    "504": (
        status(504),
        "openai.InternalServerError 504 server_error x3",
        "anthropic.GatewayTimeoutError 504 timeout_error x3",
    ),
    "529": (
        status(529),
        "openai.InternalServerError 529 server_error x3",
        "anthropic.OverloadedError 529 overloaded_error x3",
    ),
    "outage": (
        {"kind": "outage"},
        "openai.InternalServerError 503 server_is_overloaded x3",
        "anthropic.OverloadedError 529 overloaded_error x3",
    ),
    "reset-before-headers": (
        {"kind": "refuse"},
        "openai.APIConnectionError x3",
        "anthropic.APIConnectionError x3",
    ),
    "hang": ({"kind": "hang"}, "openai.APITimeoutError x3", "anthropic.APITimeoutError x3"),
    "hang-then-closed": (
        {"kind": "hang", "hold_s": 0.05},
        "openai.APIConnectionError x3",
        "anthropic.APIConnectionError x3",
    ),
}
"""By case: the fault, and the outcome with the openai and the anthropic SDK, streamed or not."""

DAMAGE: dict[str, tuple[Fault, tuple[str, str], tuple[str, str]]] = {
    "clean-end": (
        after_3("truncate"),
        ("an unfinished reply x1", "openai.APIConnectionError x3"),
        ("an unfinished reply x1", "anthropic.APIConnectionError x3"),
    ),
    "end-without-last-chunk": (  # a FIN where chunked encoding has not ended, or the length is not reached
        after_3("stall", hold_s=0.01),
        ("openai.APIConnectionError x1", "openai.APIConnectionError x3"),
        (f"{HTTP}.RemoteProtocolError x1", "anthropic.APIConnectionError x3"),
    ),
    "reset": (
        after_3("reset"),
        ("openai.APIConnectionError x1", "openai.APIConnectionError x3"),
        (f"{HTTP}.ReadError x1", "anthropic.APIConnectionError x3"),
    ),
    "reset-after-headers": (
        {"kind": "reset", "after_chunks": 0},
        ("openai.APIConnectionError x1", "openai.APIConnectionError x3"),
        (f"{HTTP}.ReadError x1", "anthropic.APIConnectionError x3"),
    ),
    "malformed-json": (
        after_3("malformed_json"),
        ("json.JSONDecodeError x1", "json.JSONDecodeError x1"),
        ("json.JSONDecodeError x1", "json.JSONDecodeError x1"),
    ),
    "malformed-event": (
        after_3("malformed_sse"),
        ("a reply with a hole x1", "json.JSONDecodeError x1"),
        ("a reply with a hole x1", "json.JSONDecodeError x1"),
    ),
    "error-in-band": (
        after_3("in_band_error"),
        ("openai.APIError server_is_overloaded x1", "a reply without content x1"),
        ("anthropic.APIStatusError 200 overloaded_error x1", "a reply without content x1"),
    ),
    "error-in-band-at-once": (
        {"kind": "in_band_error", "after_chunks": 0, "status": 429},
        ("openai.APIError rate_limit_exceeded x1", "a reply without content x1"),
        ("anthropic.APIStatusError 200 rate_limit_error x1", "a reply without content x1"),
    ),
    "stall": (
        after_3("stall"),
        ("openai.APITimeoutError x1", "openai.APITimeoutError x3"),
        (f"{HTTP}.ReadTimeout x1", "anthropic.APITimeoutError x3"),
    ),
    "stall-before-the-first-token": (
        {"kind": "stall", "after_chunks": 0},
        ("openai.APITimeoutError x1", "openai.APITimeoutError x3"),
        (f"{HTTP}.ReadTimeout x1", "anthropic.APITimeoutError x3"),
    ),
    "page-with-200": (
        {"kind": "html_200"},
        ("an empty stream x1", "a str x1"),
        ("an empty stream x1", "a str x1"),
    ),
    "slow-drip": (  # the whole takes longer than the read timeout, no part of it does
        {"kind": "slow_drip", "gap_s": 0.12},
        ("a whole reply x1", "a whole reply x1"),
        ("a whole reply x1", "a whole reply x1"),
    ),
}
"""By case: the fault, and the outcome with each SDK: (streamed, not streamed)."""

OLDER: dict[str, str] = {
    # openai 2 passes transport errors in mid-stream on unchanged, as anthropic still does
    "openai-end-without-last-chunk-stream": "httpx.RemoteProtocolError x1",
    "openai-reset-stream": "httpx.ReadError x1",
    "openai-reset-after-headers-stream": "httpx.ReadError x1",
    "openai-stall-stream": "httpx.ReadTimeout x1",
    "openai-stall-before-the-first-token-stream": "httpx.ReadTimeout x1",
    # anthropic 0 has fewer classes, and ignores a hint of more than a minute: it uses its own backoff
    "anthropic-402": "anthropic.APIStatusError 402 billing_error x1",
    "anthropic-408": "anthropic.APIStatusError 408 invalid_request_error x3",
    "anthropic-413": "anthropic.RequestTooLargeError 413 request_too_large x1",
    "anthropic-429-after-200-s": "anthropic.RateLimitError 429 rate_limit_error x3",
    "anthropic-429-ramp": "anthropic.RateLimitError 429 rate_limit_error x3",
    "anthropic-429-quota": "anthropic.RateLimitError 429 rate_limit_error x3",
    "anthropic-429-quota-not-to-be-retried": "anthropic.RateLimitError 429 rate_limit_error x1",
    "anthropic-503": "anthropic.InternalServerError 503 api_error x3",
    "anthropic-504": "anthropic.InternalServerError 504 timeout_error x3",
}
"""Outcomes that differ with the previous generation, by SDK and case, with the mode if only one differs."""

LONG = user("x" * 600_000)
NO_KEY = {"extra_headers": {"authorization": "Basic x", "x-api-key": ""}}
MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown-model": (
        {"model": "nobody"},
        "openai.NotFoundError 404 model_not_found x1",
        "anthropic.NotFoundError 404 not_found_error x1",
    ),
    "max-tokens-of-zero": (
        {"max_tokens": 0},
        "openai.BadRequestError 400 integer_below_min_value x1",
        "anthropic.BadRequestError 400 invalid_request_error x1",
    ),
    "too-many-max-tokens": (
        {"max_tokens": 17_000},
        "openai.BadRequestError 400 invalid_value x1",
        "anthropic.BadRequestError 400 invalid_request_error x1",
    ),
    "prompt-too-long": (
        {"messages": LONG},
        "openai.BadRequestError 400 context_length_exceeded x1",
        "anthropic.BadRequestError 400 invalid_request_error x1",
    ),
    "no-key": (
        NO_KEY,
        "openai.AuthenticationError 401 invalid_api_key x1",
        "anthropic.AuthenticationError 401 authentication_error x1",
    ),
    "over-the-limit": (
        {"model": "narrow"},
        "openai.RateLimitError 429 rate_limit_exceeded x3",
        "anthropic.RateLimitError 429 rate_limit_error x3",
    ),
}
"""By case: what is wrong with the request, and the outcome with each SDK, streamed or not."""


class Case(NamedTuple):
    """One failure with one SDK in one mode."""

    sdk: str
    name: str
    stream: bool
    expected: str
    fault: Fault | None = None
    changes: dict[str, Any] | None = None

    @property
    def check(self) -> str:
        """The check's name."""
        return f"{self.sdk}-{self.name}-{'stream' if self.stream else 'json'}"

    @property
    def outcome(self) -> str:
        """The outcome expected of the SDK of this interpreter."""
        if CURRENT_SDKS:
            return self.expected
        return OLDER.get(self.check) or OLDER.get(f"{self.sdk}-{self.name}") or self.expected

    @property
    def read_timeout_s(self) -> float:
        """Short where it may pass before the headers too; else longer than a busy machine takes for them.

        It is also longer than every gap of a slow drip, and shorter than the whole.
        """
        kind = self.fault and self.fault["kind"]
        return 0.5 if kind == "hang" or (kind == "stall" and not self.stream) else 1.8


def cases() -> list[Case]:
    """The cases of all tables."""
    listed = []
    for nth, sdk in enumerate(("openai", "anthropic")):
        for stream in (True, False):
            for name, (fault, *outcomes) in REFUSALS.items():
                listed.append(Case(sdk, name, stream, outcomes[nth], fault))
            for name, (fault, *modes) in {**DAMAGE, **ODDITIES}.items():
                listed.append(Case(sdk, name, stream, modes[nth][not stream], fault))
            for name, (changes, *outcomes) in MISTAKES.items():
                listed.append(Case(sdk, name, stream, outcomes[nth], changes=changes))
    return listed
