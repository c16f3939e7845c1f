"""OpenAI's batches: create, list, retrieve, cancel; each returns the reply's JSON.

`retrieve` and `cancel` raise Refused (404) for an unknown id.
"""

from collections.abc import Mapping
from typing import Any

from ..batches.files import StoredFile
from ..batches.store import Batch
from ..exchange.received import Instant
from ..exchange.request import Refused
from ..wire.openai.batch_files import queue_full, read_lines, result_file_id, result_files
from ..wire.openai.batches import (
    batch_body,
    batches_body,
    cannot_cancel,
    no_such_batch,
    page_of_batches,
    read_batch,
)
from ..wire.openai.files import no_such_file
from .batch_work import BatchableEndpoint, exceeds_queue, new_batch
from .decision import Exchange
from .provider_context import ProviderContext


def create(context: ProviderContext, exchange: Exchange, endpoints: Mapping[str, BatchableEndpoint]) -> bytes:
    """`POST /v1/batches`: `endpoints`, by path, will answer the items.

    An invalid input file makes a batch that fails; an unknown one raises Refused (404).
    """
    requested = read_batch(exchange.received.body, tuple(endpoints))
    file = context.files.get(requested.input_file_id)
    if file is None or file.purpose != "batch":
        raise Refused(no_such_file(requested.input_file_id))
    options = context.provider.batch
    items, errors = read_lines(
        file.content, requested.endpoint, exchange.received.headers, unique_ids=options.unique_ids
    )
    if options.enqueued_tokens is not None and exceeds_queue(context, items, exchange.instant.now):
        items, errors = [], [queue_full(items, context.provider.organization, options.enqueued_tokens)]
    about: dict[str, Any] = {**requested._asdict(), "errors": errors, "files": None}

    def close(batch: Batch, at: Instant) -> None:
        about["files"] = _store_results(context, batch, at)

    batch = new_batch(
        context,
        exchange,
        endpoints[requested.endpoint],
        items,
        prefix="batch_",
        about=about,
        valid=not errors,
        close=close,
    )
    return batch_body(batch, exchange.instant.now, exchange.instant.wall_s)


def list_page(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/batches`: one page, newest first."""
    page = page_of_batches(context.batches.newest_first(), exchange.received)
    return batches_body(page, exchange.instant.now, exchange.instant.wall_s)


def retrieve(context: ProviderContext, exchange: Exchange) -> bytes:
    """`GET /v1/batches/{id}`: the batch object."""
    return batch_body(_found(context, exchange), exchange.instant.now, exchange.instant.wall_s)


def cancel(context: ProviderContext, exchange: Exchange) -> bytes:
    """`POST /v1/batches/{id}/cancel`: start no more items; raises Refused (409) once it is finalizing."""
    now, batch = exchange.instant.now, _found(context, exchange)
    phase = batch.schedule.phase(now)
    if phase not in ("validating", "in_progress", "cancelling"):
        raise Refused(cannot_cancel(phase))
    context.batches.cancel(batch, now)
    return batch_body(batch, now, exchange.instant.wall_s)


def _store_results(context: ProviderContext, batch: Batch, at: Instant) -> tuple[str | None, str | None]:
    """Store the output and error files; their ids, None for a file without lines."""
    ids: list[str | None] = []
    for which, content in zip(("output", "error"), result_files(batch), strict=True):
        file_id = result_file_id(batch, which) if content else None
        if file_id is not None:
            name = f"{batch.id}_{which}.jsonl"
            context.files.put(StoredFile(file_id, name, "batch_output", content, at.wall_s))
        ids.append(file_id)
    return ids[0], ids[1]


def _found(context: ProviderContext, exchange: Exchange) -> Batch:
    batch = context.batches.get(exchange.params["id"])
    if batch is None:
        raise Refused(no_such_batch(exchange.params["id"]))
    return batch
