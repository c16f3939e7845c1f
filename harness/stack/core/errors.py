"""Everything that can go wrong with a call, on one page.

`ProviderError`: a provider failed. `Rejected`: the stack refused. `AllProvidersFailed`: every target failed.
`ConfigError`: the stack's file is wrong; nothing was called. The kinds are the table in `kinds.py`.
"""

from typing import Literal

from .kinds import ERROR_KINDS, ErrorKind
from .rate_meters import Meters

Phase = Literal["before", "after"]
"""Whether the first content event had arrived (the commit point) when the attempt failed."""


class StackError(Exception):
    """Base of what a stack raises for a call. `kind` is a key of `kinds.ERROR_KINDS`, `str()` a sentence.

    `partial` is the text received until then, `cost_nusd` the cost of the call until then.
    """

    partial: str = ""
    cost_nusd: int = 0

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def row(self) -> ErrorKind:
        """The kind's row in the table of error kinds."""
        return ERROR_KINDS[self.kind]


class ProviderError(StackError):
    """One attempt failed at a provider.

    `status` is the HTTP status, None when there was none. `retry_after_s` is what the provider asked us to
    wait. `retryable` is that of the kind's row unless the provider said otherwise (`x-should-retry`).
    `meters` are the rate limits in the reply's headers. `of_key`: one API key is at fault while another is in
    use, which says nothing about the target. `unread`: the connection had been used before, and broke before
    a byte of a reply was read.
    """

    meters: Meters | None = None
    of_key: bool = False
    unread: bool = False

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
        self.retryable = ERROR_KINDS[kind].retryable if retryable is None else retryable
        self.phase = phase


class Rejected(StackError):
    """We refused the call or the attempt: one of the `rejected_…` kinds. Nothing was sent.

    `retry_after_s`: seconds until an open breaker lets probes through, or until a budget's next period.
    """

    def __init__(self, kind: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(kind, message)
        self.retry_after_s = retry_after_s


class AllProvidersFailed(StackError):
    """Every target of the chain failed. `failures` holds (target name, error), in the order tried."""

    def __init__(self, failures: tuple[tuple[str, StackError], ...]) -> None:
        reasons = "; ".join(f"{name}: {error.kind} ({error})" for name, error in failures)
        super().__init__("all_providers_failed", f"all {len(failures)} targets failed: {reasons}")
        self.failures = failures


class ConfigError(ValueError):
    """A stack that cannot be built: one line that names the file, the key and what was expected."""
