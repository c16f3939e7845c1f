"""Anthropic's message batches: create, list, retrieve, cancel, results, delete; each returns the reply body.

All but `create` and `list_page` raise Refused (404) for an unknown id.
"""

from ..batches.store import Batch
from ..exchange.received import Received
from ..exchange.request import Refused
from ..wire.anthropic.batches import (
    batch_body,
    batches_body,
    deleted_body,
    no_results_yet,
    no_such_batch,
    page_of_batches,
    processing_status,
    queue_full,
    read_requests,
    results_body,
    wrong_status,
)
from .batch_work import BatchableEndpoint, exceeds_queue, new_batch
from .decision import Exchange
from .provider_context import ProviderContext


def create(context: ProviderContext, exchange: Exchange, messages: BatchableEndpoint) -> bytes:
    """`POST /v1/messages/batches`: `messages` will answer the items. Bad params fail their item only.

    Raises Refused (429) when too much is waiting.
    """
    unique_ids = context.provider.batch.unique_ids
    items = read_requests(exchange.received.body, exchange.received.headers, unique_ids=unique_ids)
    if exceeds_queue(context, items, exchange.instant.now):
        raise Refused(queue_full())
    batch = new_batch(context, exchange, messages, items, prefix="msgbatch_", about={})
    return _body(batch, exchange)


def list_page(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/messages/batches`: one page, newest first."""
    received, instant = exchange.received, exchange.instant
    page = page_of_batches(context.batches.newest_first(), received)
    return batches_body(page, _base_url(received), instant.now, instant.wall_s)


def retrieve(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/messages/batches/{id}`: the batch object."""
    return _body(_found(context, exchange), exchange)


def cancel(context: ProviderContext, exchange: Exchange) -> bytes:
    """`POST /v1/messages/batches/{id}/cancel`: start no more items; raises Refused (400) after its end."""
    now, batch = exchange.instant.now, _found(context, exchange)
    if batch.schedule.ended(now):
        raise Refused(wrong_status("canceled", batch.id, "ended"))
    context.batches.cancel(batch, now)
    return _body(batch, exchange)


def results(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/messages/batches/{id}/results`: JSON lines; raises Refused (404) until the batch has ended."""
    batch = _found(context, exchange)
    if not batch.schedule.ended(exchange.instant.now):
        raise Refused(no_results_yet(batch.id))
    return results_body(batch)


def delete(context: ProviderContext, exchange: Exchange) -> bytes:
    """`DELETE /v1/messages/batches/{id}`; raises Refused (400) until the batch has ended."""
    now, batch = exchange.instant.now, _found(context, exchange)
    if not batch.schedule.ended(now):
        raise Refused(wrong_status("deleted", batch.id, processing_status(batch, now)))
    context.batches.delete(batch)
    return deleted_body(batch.id)


def _body(batch: Batch, exchange: Exchange) -> bytes:
    instant = exchange.instant
    return batch_body(batch, _base_url(exchange.received), instant.now, instant.wall_s)


def _base_url(received: Received) -> str:
    """The provider's URL as the client reached it: the SDK follows the `results_url` of a batch object."""
    return f"http://{received.header(b'host') or 'localhost'}"


def _found(context: ProviderContext, exchange: Exchange) -> Batch:
    batch = context.batches.get(exchange.params["id"])
    if batch is None:
        raise Refused(no_such_batch(exchange.params["id"]))
    return batch
