"""Anthropic's message batches: make, list, show, cancel, results, delete."""

from ..batches.store import Batch
from ..exchange.received import Received
from ..exchange.request import Refused
from ..wire.anthropic.batches import (
    batch_body,
    batches_body,
    cannot,
    deleted_body,
    no_results_yet,
    no_such_batch,
    page_of_batches,
    read_requests,
    results_body,
    status_of,
)
from .batch_work import Answering, new_batch
from .operations import run_errand
from .provider_context import Decision, Desk, Incoming

_JSONL = b"application/x-jsonl"


class CreateMessageBatch:
    """`POST /v1/messages/batches`; `answering` is the endpoint of single messages."""

    name = "batches"

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Take the batch on; what is wrong with an item's params shows in its result."""
        return run_errand(desk, incoming, lambda: self._create(desk, incoming))

    def _create(self, desk: Desk, incoming: Incoming) -> bytes:
        items = read_requests(incoming.received.body, incoming.received.headers)
        batch = new_batch(desk, incoming, self._answering, items, prefix="msgbatch_", about={})
        return _body(batch, incoming)


class ListMessageBatches:
    """`GET /v1/messages/batches`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """One page of them, the newest first."""
        return run_errand(desk, incoming, lambda: self._list(desk, incoming))

    def _list(self, desk: Desk, incoming: Incoming) -> bytes:
        received, moment = incoming.received, incoming.moment
        page = page_of_batches(desk.batches.newest_first(), received)
        return batches_body(page, _base_url(received), moment.now, moment.wall_s)


class OneMessageBatch:
    """`GET /v1/messages/batches/{id}`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Its state."""
        return run_errand(desk, incoming, lambda: _body(_found(desk, incoming), incoming))


class CancelMessageBatch:
    """`POST /v1/messages/batches/{id}/cancel`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Let nothing more of it be done; a 400 when it has ended."""
        return run_errand(desk, incoming, lambda: self._cancel(desk, incoming))

    def _cancel(self, desk: Desk, incoming: Incoming) -> bytes:
        now, batch = incoming.moment.now, _found(desk, incoming)
        if batch.course.ended(now):
            raise Refused(cannot("canceled", batch.id, "ended"))
        desk.batches.cancel(batch, now)
        return _body(batch, incoming)


class MessageBatchResults:
    """`GET /v1/messages/batches/{id}/results`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """The results, one a line; a 404 until the batch has ended."""
        return run_errand(desk, incoming, lambda: self._results(desk, incoming), _JSONL)

    def _results(self, desk: Desk, incoming: Incoming) -> bytes:
        batch = _found(desk, incoming)
        if not batch.course.ended(incoming.moment.now):
            raise Refused(no_results_yet(batch.id))
        return results_body(batch)


class DeleteMessageBatch:
    """`DELETE /v1/messages/batches/{id}`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Forget the batch; a 400 until it has ended."""
        return run_errand(desk, incoming, lambda: self._delete(desk, incoming))

    def _delete(self, desk: Desk, incoming: Incoming) -> bytes:
        now, batch = incoming.moment.now, _found(desk, incoming)
        if not batch.course.ended(now):
            raise Refused(cannot("deleted", batch.id, status_of(batch, now)))
        desk.batches.delete(batch)
        return deleted_body(batch.id)


def _body(batch: Batch, incoming: Incoming) -> bytes:
    moment = incoming.moment
    return batch_body(batch, _base_url(incoming.received), moment.now, moment.wall_s)


def _base_url(received: Received) -> str:
    """Where the client found the provider: the SDK fetches results from the URL that the batch names."""
    return f"http://{received.header(b'host') or 'localhost'}"


def _found(desk: Desk, incoming: Incoming) -> Batch:
    batch = desk.batches.get(incoming.params["id"])
    if batch is None:
        raise Refused(no_such_batch(incoming.params["id"]))
    return batch
