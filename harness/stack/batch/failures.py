"""Failures of a batch as a whole, and the results of one whose items lack a result."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from ..core.errors import ProviderError
from ..wire.reading import SHAPE_ERRORS, shape_error
from .http import CANCELLED, EXPIRED, ItemResult, Progress

T = TypeVar("T")


class BatchRefused(ProviderError):
    """The provider did not take the batch: nothing of it is processed or billed."""

    @classmethod
    def of(cls, error: ProviderError) -> "BatchRefused":
        """The refusal behind `error`."""
        return cls(
            error.kind,
            str(error),
            status=error.status,
            retry_after_s=error.retry_after_s,
            retryable=error.retryable,
        )


def refuses(error: ProviderError) -> bool:
    """Whether the provider certainly did not take the batch: it could not be reached, or it said no."""
    refused = error.status is not None and 400 <= error.status < 500 and error.status not in (408, 409, 425)
    return isinstance(error, BatchRefused) or refused or error.kind in ("connect", "timeout_connect")


async def read(what: str, answer: Awaitable[T]) -> T:
    """The answer of a batch API; one whose shape is not the protocol's is a `ProviderError`."""
    try:
        return await answer
    except (ValueError, *SHAPE_ERRORS) as error:
        raise shape_error(what, error) from error


def results_by_id(results: Sequence[ItemResult]) -> dict[str, ItemResult]:
    """The result of each id. Of two results with one id neither can be trusted."""
    by_id: dict[str, ItemResult] = {}
    for each in results:
        if each.custom_id in by_id:
            error = ProviderError("malformed", "the batch has two results of this request")
            by_id[each.custom_id] = ItemResult(each.custom_id, None, error)
        else:
            by_id[each.custom_id] = each
    return by_id


def missing_result(custom_id: str, progress: Progress) -> ItemResult:
    """The result of an item that an ended batch has none of."""
    if progress.cancelled:
        error = ProviderError("batch_cancelled", CANCELLED)
    elif progress.expired:
        error = ProviderError("batch_expired", EXPIRED)
    elif progress.reason:
        error = ProviderError("batch_failed", progress.reason)
    else:
        error = ProviderError("truncated", "the results of the batch lack this request")
    return ItemResult(custom_id, None, error)
