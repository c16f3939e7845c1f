"""OpenAI's batches: make, list, show, cancel."""

from collections.abc import Mapping
from typing import Any

from ..batches.files import StoredFile
from ..batches.store import Batch
from ..exchange.received import Instant
from ..exchange.request import Refused
from ..wire.openai.batch_files import read_lines, result_file_id, result_files
from ..wire.openai.batches import (
    batch_body,
    batches_body,
    cannot_cancel,
    no_such_batch,
    page_of_batches,
    read_batch,
)
from ..wire.openai.files import no_such_file
from .batch_work import Answering, new_batch
from .operations import run_operation
from .provider_context import Decision, Exchange, ProviderContext


class CreateBatch:
    """`POST /v1/batches`; `answering`: the endpoints that items may go to, by their paths."""

    name = "batches"

    def __init__(self, answering: Mapping[str, Answering]) -> None:
        self._answering = answering

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Take the batch on."""
        return run_operation(context, exchange, lambda: self._create(context, exchange))

    def _create(self, context: ProviderContext, exchange: Exchange) -> bytes:
        batch_request = read_batch(exchange.received.body, tuple(self._answering))
        file = context.files.get(batch_request.input_file_id)
        if file is None or file.purpose != "batch":
            raise Refused(no_such_file(batch_request.input_file_id))
        items, errors = read_lines(file.content, batch_request.endpoint, exchange.received.headers)
        about: dict[str, Any] = {**batch_request._asdict(), "errors": errors, "files": None}

        def close(batch: Batch, at: Instant) -> None:
            about["files"] = _store_results(context, batch, at)

        batch = new_batch(
            context,
            exchange,
            self._answering[batch_request.endpoint],
            items,
            prefix="batch_",
            about=about,
            valid=not errors,
            close=close,
        )
        return batch_body(batch, exchange.instant.now, exchange.instant.wall_s)


class ListBatches:
    """`GET /v1/batches`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """One page of them, the newest first."""
        return run_operation(context, exchange, lambda: self._list(context, exchange))

    def _list(self, context: ProviderContext, exchange: Exchange) -> bytes:
        page = page_of_batches(context.batches.newest_first(), exchange.received)
        return batches_body(page, exchange.instant.now, exchange.instant.wall_s)


class OneBatch:
    """`GET /v1/batches/{id}`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Its state."""
        now, wall_s = exchange.instant.now, exchange.instant.wall_s
        return run_operation(context, exchange, lambda: batch_body(_found(context, exchange), now, wall_s))


class CancelBatch:
    """`POST /v1/batches/{id}/cancel`."""

    name = "batches"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Let nothing more of it be done; a 409 when it is too late."""
        return run_operation(context, exchange, lambda: self._cancel(context, exchange))

    def _cancel(self, context: ProviderContext, exchange: Exchange) -> bytes:
        now, batch = exchange.instant.now, _found(context, exchange)
        phase = batch.schedule.phase(now)
        if phase not in ("validating", "in_progress", "cancelling"):
            raise Refused(cannot_cancel(phase))
        context.batches.cancel(batch, now)
        return batch_body(batch, now, exchange.instant.wall_s)


def _store_results(context: ProviderContext, batch: Batch, at: Instant) -> tuple[str | None, str | None]:
    """Write the result files that have any lines; their ids."""
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
