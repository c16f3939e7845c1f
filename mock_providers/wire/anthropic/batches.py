"""Anthropic's message batches: requests for them read, batch objects and result lines written."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from ...batches.store import Batch, Item
from ...exchange.bad_field import BadField
from ...exchange.received import HeadersIn, Received
from ...exchange.request import Problem
from ..fields import Fields, dumps, loads
from ..pages import Page, limit_of, page_after, page_before
from .dialect import rfc3339

MOST_REQUESTS = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_INVALID = "invalid_request_error"


def read_requests(body: bytes, headers: HeadersIn, *, unique_ids: bool = True) -> list[Item]:
    """The items of a request for a batch; raises BadField, or ValueError for invalid JSON.

    `unique_ids`: two equal `custom_id`s are refused (default true).
    """
    fields = Fields(loads(body))
    fields.only(frozenset(("requests", "betas", "user_profile_id")))
    fields.require("requests")
    requests = fields.items("requests")
    if not 1 <= len(requests) <= MOST_REQUESTS:
        complaint = f"List should have between 1 and {MOST_REQUESTS} items"
        raise BadField(("requests",), "unsupported", complaint)
    items: list[Item] = []
    known: set[str] = set()
    for nth, value in enumerate(requests):
        item = _read_item(Fields(value, ("requests", nth)), nth, headers)
        if unique_ids and item.custom_id in known:
            complaint = f"custom_id must be unique within a batch, got '{item.custom_id}' twice"
            raise BadField(("requests", nth, "custom_id"), "unsupported", complaint)
        known.add(item.custom_id)
        items.append(item)
    return items


def queue_full() -> Problem:
    """Too much waits to be processed. Source: docs.anthropic.com/en/api/rate-limits, Message Batches API."""
    message = (
        "This request would exceed your organization's rate limit of batch requests in the processing queue. "
        "Please wait until some of them have been processed."
    )
    return Problem(429, "rate_limit_error", message)


def _read_item(fields: Fields, nth: int, headers: HeadersIn) -> Item:
    fields.only(frozenset(("custom_id", "params")))
    custom_id = fields.text("custom_id")
    if not _CUSTOM_ID.fullmatch(custom_id):
        complaint = f"String should match pattern '^{_CUSTOM_ID.pattern}$'"
        raise BadField(("requests", nth, "custom_id"), "unsupported", complaint)
    fields.require("params")
    params = {name: value for name, value in fields.read("params", "object").items() if name != "stream"}
    return Item(custom_id, Received("POST", "/v1/messages", headers, {}, dumps(params)))


def page_of_batches(batches: Sequence[Batch], received: Received) -> Page[Batch]:
    """The page of `batches` that the query asks for; raises BadField."""
    query = received.query
    limit = limit_of(query, 20, 1000)
    if "before_id" in query:
        return page_before(batches, lambda batch: batch.id, query["before_id"], limit)
    return page_after(batches, lambda batch: batch.id, query.get("after_id"), limit)


def batch_body(batch: Batch, base_url: str, now: float, wall_s: float) -> bytes:
    """The JSON of a batch object; `base_url` begins its `results_url`."""
    return orjson.dumps(_batch_object(batch, base_url, now, wall_s))


def batches_body(page: Page[Batch], base_url: str, now: float, wall_s: float) -> bytes:
    """The JSON of a page of batches."""
    data = [_batch_object(batch, base_url, now, wall_s) for batch in page.items]
    ids = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return orjson.dumps({"data": data, "has_more": page.has_more, **ids})


def deleted_body(batch_id: str) -> bytes:
    """The JSON that confirms a deletion."""
    return orjson.dumps({"id": batch_id, "type": "message_batch_deleted"})


def results_body(batch: Batch) -> bytes:
    """The results of a batch that has ended, as JSON lines."""
    lines = []
    for nth, item in enumerate(batch.items):
        line = {"custom_id": item.custom_id, "result": _result(batch, nth)}
        lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(lines)


def no_such_batch(batch_id: str) -> Problem:
    """No batch has this id."""
    return Problem(404, "not_found_error", f"Message Batch {batch_id} not found.")


def no_results_yet(batch_id: str) -> Problem:
    """The batch has not ended."""
    return Problem(404, "not_found_error", f"Message Batch {batch_id} has no available results.")


def wrong_status(verb: str, batch_id: str, status: str) -> Problem:
    """The batch's status does not allow `verb` (canceled, deleted)."""
    return Problem(400, _INVALID, f"Message Batch {batch_id} cannot be {verb}: its status is {status}.")


def processing_status(batch: Batch, now: float) -> str:
    """The `processing_status` of a batch object."""
    if batch.schedule.ended(now):
        return "ended"
    return "canceling" if batch.schedule.cancelled is not None else "in_progress"


def _result(batch: Batch, nth: int) -> dict[str, Any]:
    result = batch.results.get(nth)
    if result is None:
        return {"type": "canceled" if batch.schedule.outcome == "cancelled" else "expired"}
    kind, name = ("succeeded", "message") if result.status == 200 else ("errored", "error")
    return {"type": kind, name: orjson.Fragment(result.body)}


def _batch_object(batch: Batch, base_url: str, now: float, wall_s: float) -> dict[str, Any]:
    schedule = batch.schedule

    def wall(at: float | None) -> str | None:
        return None if at is None else rfc3339(wall_s - now + at)

    ended = schedule.ended(now)
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": processing_status(batch, now),
        "request_counts": _counts(batch, now),
        "ended_at": wall(schedule.ends) if ended else None,
        "created_at": wall(schedule.created),
        "expires_at": wall(schedule.expires),
        "archived_at": None,
        "cancel_initiated_at": wall(schedule.cancelled),
        "results_url": f"{base_url}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def _counts(batch: Batch, now: float) -> dict[str, int]:
    """`request_counts`; as documented, all but `processing` are 0 until the batch has ended."""
    total, counts = len(batch.items), batch.schedule.counts(now)
    if not batch.schedule.ended(now):
        return {"processing": total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    succeeded = sum(result.status == 200 for result in batch.results.values())
    return {
        "processing": 0,
        "succeeded": succeeded,
        "errored": counts.done - succeeded,
        "canceled": counts.canceled,
        "expired": counts.expired,
    }
