"""Everything that can go wrong with a call, on one page.

`ProviderError`: a provider failed us. `Rejected`: we refused. `AllProvidersFailed`: nobody was left to ask.
`ConfigError`: the stack's description is wrong; nothing was called.
"""

from typing import Literal

from .rate_meters import Meters

Phase = Literal["before", "after"]
"""Whether the first content event had arrived (the commit point) when the attempt failed."""

RETRYABLE: dict[str, bool] = {
    "connect": True,  # nobody listens, or the name does not resolve
    "timeout_connect": True,
    "timeout_first_token": True,
    "timeout_inter_chunk": True,
    "timeout_total": False,  # the caller's time is used up
    "connection": True,  # reset or broken
    "truncated": True,  # the stream ended without its terminal event
    "malformed": True,  # a chunk or a body that is not what the protocol says
    "in_band": True,  # an error event on HTTP 200
    "rate_limited": True,
    "quota_exhausted": False,  # a 429 that waiting does not heal
    "server_error": True,
    "overloaded": True,
    "auth": False,
    "bad_request": False,
    "context_length": False,
    "batch_expired": True,  # a day was not enough
    "batch_cancelled": False,
}
"""Every kind of provider failure, and whether the same provider may do better on a second try."""


class StackError(Exception):
    """Base of what a stack raises for a call. `kind` is a word for a table, `str()` a sentence.

    `partial` is the text that the caller had got by then, `cost_nusd` what the call had cost.
    """

    partial: str = ""
    cost_nusd: int = 0

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ProviderError(StackError):
    """One attempt failed at a provider.

    `status` is the HTTP status, None when there was none. `retry_after_s` is what the provider asked us to
    wait. `retryable` follows the kind's row in `RETRYABLE` unless the provider said otherwise
    (`x-should-retry`). `meters` is what the reply's headers said about rate limits. `of_key`: the fault of
    one API key, while another is in use; nothing is to be concluded about the target.
    """

    meters: Meters | None = None
    of_key: bool = False

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        retryable: bool | None = None,
        phase: Phase = "before",
    ) -> None:
        super().__init__(kind, message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.retryable = RETRYABLE[kind] if retryable is None else retryable
        self.phase = phase


class Rejected(StackError):
    """We refused the call or the attempt: `rejected_limiter`, `rejected_deadline`, `rejected_unsuitable`,
    `rejected_breaker` (open, for another `retry_after_s`), `rejected_throttled` (load shed),
    `rejected_budget` (too little is left of it, until the period ends in `retry_after_s`).
    """

    def __init__(self, kind: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(kind, message)
        self.retry_after_s = retry_after_s


class AllProvidersFailed(StackError):
    """Every target of the chain failed. `failures` holds (target name, error), in the order tried."""

    def __init__(self, failures: tuple[tuple[str, StackError], ...]) -> None:
        said = "; ".join(f"{name}: {error.kind} ({error})" for name, error in failures)
        super().__init__("all_providers_failed", f"all {len(failures)} targets failed: {said}")
        self.failures = failures


class ConfigError(ValueError):
    """A stack that cannot be built: one line that names the file, the key and what was expected."""
