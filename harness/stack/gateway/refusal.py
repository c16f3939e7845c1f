"""The HTTP response of a call that failed before its reply began."""

from ..core.errors import AllProvidersFailed, ProviderError, Rejected, StackError
from ..core.kinds import ERROR_KINDS
from .chunks import error_json

OF_THE_CALL = frozenset(
    name for name, row in ERROR_KINDS.items() if row.status in (400, 413) or name == "rejected_unsuitable"
)
"""Kinds of refusals that another call would not meet."""


def refusal(error: StackError) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers. `x-should-retry: false` keeps client retries from multiplying ours."""
    headers = {"x-should-retry": "false"}
    hint_s = retry_after_s(error)
    if hint_s is not None:
        headers["retry-after"] = str(max(1, round(hint_s)))
    kind = "rejected" if isinstance(error, Rejected) else "upstream_error"
    return ERROR_KINDS[_status_kind(error)].status, error_json(kind, error.kind, str(error)), headers


def retry_after_s(error: StackError) -> float | None:
    """Seconds that the client should wait, the shortest of all targets; None without a hint."""
    if isinstance(error, AllProvidersFailed):
        hints = [hint for _, failure in error.failures if (hint := retry_after_s(failure)) is not None]
        return min(hints, default=None)
    return error.retry_after_s if isinstance(error, ProviderError | Rejected) else None


def _status_kind(error: StackError) -> str:
    """The error kind that decides the status: if every target refused what the client can change (the
    prompt's length, a parameter), that of the first, not a failure of all providers.
    """
    if isinstance(error, AllProvidersFailed):
        kinds = [failure.kind for _, failure in error.failures]
        if all(kind in OF_THE_CALL for kind in kinds):
            return next((kind for kind in kinds if kind != "rejected_unsuitable"), kinds[0])
    return error.kind
