"""OpenAI's batches: requests for them read, batch objects written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ...batches.store import Batch
from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Problem
from ..fields import Fields, loads
from ..pages import Page, limit_of, page_after
from .files import list_body

_INVALID = "invalid_request_error"


class NewBatch(NamedTuple):
    """A request for a batch; `endpoint` is the path of all its lines."""

    input_file_id: str
    endpoint: str
    metadata: Mapping[str, str] | None


def read_batch(body: bytes, endpoints: Sequence[str]) -> NewBatch:
    """Read a request for a batch; raises BadField, or ValueError for invalid JSON."""
    fields = Fields(loads(body))
    fields.only(
        frozenset(("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"))
    )
    file_id = fields.text("input_file_id")
    endpoint = fields.choice("endpoint", tuple(endpoints))
    fields.choice("completion_window", ("24h",))
    metadata = fields.read("metadata", "object")
    for key, value in (metadata or {}).items():
        if not isinstance(value, str):
            raise BadField(("metadata", key), "type", "string", value)
    return NewBatch(file_id, endpoint, metadata)


def page_of_batches(batches: Sequence[Batch], received: Received) -> Page[Batch]:
    """The page of `batches` that the query asks for; raises BadField."""
    limit = limit_of(received.query, 20, 100)
    return page_after(batches, lambda batch: batch.id, received.query.get("after"), limit)


def batch_body(batch: Batch, now: float, wall_s: float) -> bytes:
    """The JSON of a batch object."""
    return orjson.dumps(_batch_object(batch, now, wall_s))


def batches_body(page: Page[Batch], now: float, wall_s: float) -> bytes:
    """The JSON of a list of batches."""
    return list_body([_batch_object(batch, now, wall_s) for batch in page.items], has_more=page.has_more)


def no_such_batch(batch_id: str) -> Problem:
    """No batch has this id."""
    return Problem(404, _INVALID, f"No batch found with id '{batch_id}'.")


def cannot_cancel(phase: str) -> Problem:
    """The batch has reached a status in which it cannot be cancelled."""
    return Problem(409, _INVALID, f"Cannot cancel a batch with status '{phase}'.")


def _batch_object(batch: Batch, now: float, wall_s: float) -> dict[str, Any]:
    schedule = batch.schedule
    value: dict[str, Any] = {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.about["endpoint"],
        "errors": None,
        "input_file_id": batch.about["input_file_id"],
        "completion_window": "24h",
        "status": schedule.phase(now),
        "output_file_id": None,
        "error_file_id": None,
        **_times(batch, now, lambda at: int(wall_s - now + at)),
        "request_counts": _counts(batch, now),
        "metadata": batch.about["metadata"],
    }
    errors = batch.about["errors"]
    if schedule.phase(now) == "failed" and isinstance(errors, list):
        value["errors"] = {"object": "list", "data": [error._asdict() for error in errors]}
    if schedule.ended(now):
        good, bad = batch.about["files"] if isinstance(batch.about["files"], tuple) else (None, None)
        value["output_file_id"], value["error_file_id"] = good, bad
    return value


def _times(batch: Batch, now: float, wall: Callable[[float], int]) -> dict[str, int | None]:
    schedule = batch.schedule
    reached: dict[str, float | None] = {
        "created_at": schedule.created,
        "in_progress_at": None if schedule.failed or schedule.closes < schedule.begins else schedule.begins,
        "expires_at": schedule.expires,
        "finalizing_at": None if schedule.failed or schedule.outcome == "cancelled" else schedule.closes,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": schedule.cancelled,
        "cancelled_at": None,
    }
    reached["failed_at" if schedule.failed else f"{schedule.outcome}_at"] = schedule.ends
    return {
        name: wall(at) if at is not None and (at <= now or name == "expires_at") else None
        for name, at in reached.items()
    }


def _counts(batch: Batch, now: float) -> dict[str, int]:
    results = batch.results.values()
    completed = sum(result.status == 200 for result in results)
    failed = len(results) - completed + batch.schedule.counts(now).expired
    return {"total": len(batch.items), "completed": completed, "failed": failed}
