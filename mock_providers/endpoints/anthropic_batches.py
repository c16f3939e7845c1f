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
from .operations import run_operation
from .provider_context import Decision, Exchange, ProviderContext

_JSONL = b"application/x-jsonl"


class CreateMessageBatch:
    """`POST /v1/messages/batches`; `answering` is the endpoint of single messages."""

    name = "batches"

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Take the batch on; what is wrong with an item's params shows in its result."""
        return run_operation(context, exchange, lambda: self._create(context, exchange))

    def _create(self, context: ProviderContext, exchange: Exchange) -> bytes:
        items = read_requests(exchange.received.body, exchange.received.headers)
        batch = new_batch(context, exchange, self._answering, items, prefix="msgbatch_", about={})
        return _body(batch, exchange)


class ListMessageBatches:
    """`GET /v1/messages/batches`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """One page of them, the newest first."""
        return run_operation(context, exchange, lambda: self._list(context, exchange))

    def _list(self, context: ProviderContext, exchange: Exchange) -> bytes:
        received, instant = exchange.received, exchange.instant
        page = page_of_batches(context.batches.newest_first(), received)
        return batches_body(page, _base_url(received), instant.now, instant.wall_s)


class OneMessageBatch:
    """`GET /v1/messages/batches/{id}`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Its state."""
        return run_operation(context, exchange, lambda: _body(_found(context, exchange), exchange))


class CancelMessageBatch:
    """`POST /v1/messages/batches/{id}/cancel`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Let nothing more of it be done; a 400 when it has ended."""
        return run_operation(context, exchange, lambda: self._cancel(context, exchange))

    def _cancel(self, context: ProviderContext, exchange: Exchange) -> bytes:
        now, batch = exchange.instant.now, _found(context, exchange)
        if batch.schedule.ended(now):
            raise Refused(cannot("canceled", batch.id, "ended"))
        context.batches.cancel(batch, now)
        return _body(batch, exchange)


class MessageBatchResults:
    """`GET /v1/messages/batches/{id}/results`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The results, one a line; a 404 until the batch has ended."""
        return run_operation(context, exchange, lambda: self._results(context, exchange), _JSONL)

    def _results(self, context: ProviderContext, exchange: Exchange) -> bytes:
        batch = _found(context, exchange)
        if not batch.schedule.ended(exchange.instant.now):
            raise Refused(no_results_yet(batch.id))
        return results_body(batch)


class DeleteMessageBatch:
    """`DELETE /v1/messages/batches/{id}`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Forget the batch; a 400 until it has ended."""
        return run_operation(context, exchange, lambda: self._delete(context, exchange))

    def _delete(self, context: ProviderContext, exchange: Exchange) -> bytes:
        now, batch = exchange.instant.now, _found(context, exchange)
        if not batch.schedule.ended(now):
            raise Refused(cannot("deleted", batch.id, status_of(batch, now)))
        context.batches.delete(batch)
        return deleted_body(batch.id)


def _body(batch: Batch, exchange: Exchange) -> bytes:
    instant = exchange.instant
    return batch_body(batch, _base_url(exchange.received), instant.now, instant.wall_s)


def _base_url(received: Received) -> str:
    """Where the client found the provider: the SDK fetches results from the URL that the batch names."""
    return f"http://{received.header(b'host') or 'localhost'}"


def _found(context: ProviderContext, exchange: Exchange) -> Batch:
    batch = context.batches.get(exchange.params["id"])
    if batch is None:
        raise Refused(no_such_batch(exchange.params["id"]))
    return batch
