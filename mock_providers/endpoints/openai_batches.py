"""OpenAI's batches: make, list, show, cancel."""

from collections.abc import Mapping
from typing import Any

from ..batches.files import StoredFile
from ..batches.store import Batch
from ..exchange.received import Moment
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
from .operations import run_errand
from .provider_context import Decision, Desk, Incoming


class CreateBatch:
    """`POST /v1/batches`; `answering`: the endpoints that items may go to, by their paths."""

    name = "batches"

    def __init__(self, answering: Mapping[str, Answering]) -> None:
        self._answering = answering

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Take the batch on."""
        return run_errand(desk, incoming, lambda: self._create(desk, incoming))

    def _create(self, desk: Desk, incoming: Incoming) -> bytes:
        asked = read_batch(incoming.received.body, tuple(self._answering))
        file = desk.files.get(asked.input_file_id)
        if file is None or file.purpose != "batch":
            raise Refused(no_such_file(asked.input_file_id))
        items, errors = read_lines(file.content, asked.endpoint, incoming.received.headers)
        about: dict[str, Any] = {**asked._asdict(), "errors": errors, "files": None}

        def close(batch: Batch, at: Moment) -> None:
            about["files"] = _store_results(desk, batch, at)

        batch = new_batch(
            desk,
            incoming,
            self._answering[asked.endpoint],
            items,
            prefix="batch_",
            about=about,
            valid=not errors,
            close=close,
        )
        return batch_body(batch, incoming.moment.now, incoming.moment.wall_s)


class ListBatches:
    """`GET /v1/batches`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """One page of them, the newest first."""
        return run_errand(desk, incoming, lambda: self._list(desk, incoming))

    def _list(self, desk: Desk, incoming: Incoming) -> bytes:
        page = page_of_batches(desk.batches.newest_first(), incoming.received)
        return batches_body(page, incoming.moment.now, incoming.moment.wall_s)


class OneBatch:
    """`GET /v1/batches/{id}`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Its state."""
        now, wall_s = incoming.moment.now, incoming.moment.wall_s
        return run_errand(desk, incoming, lambda: batch_body(_found(desk, incoming), now, wall_s))


class CancelBatch:
    """`POST /v1/batches/{id}/cancel`."""

    name = "batches"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """Let nothing more of it be done; a 409 when it is too late."""
        return run_errand(desk, incoming, lambda: self._cancel(desk, incoming))

    def _cancel(self, desk: Desk, incoming: Incoming) -> bytes:
        now, batch = incoming.moment.now, _found(desk, incoming)
        phase = batch.course.phase(now)
        if phase not in ("validating", "in_progress", "cancelling"):
            raise Refused(cannot_cancel(phase))
        desk.batches.cancel(batch, now)
        return batch_body(batch, now, incoming.moment.wall_s)


def _store_results(desk: Desk, batch: Batch, at: Moment) -> tuple[str | None, str | None]:
    """Write the result files that have any lines; their ids."""
    ids: list[str | None] = []
    for which, content in zip(("output", "error"), result_files(batch), strict=True):
        file_id = result_file_id(batch, which) if content else None
        if file_id is not None:
            name = f"{batch.id}_{which}.jsonl"
            desk.files.put(StoredFile(file_id, name, "batch_output", content, at.wall_s))
        ids.append(file_id)
    return ids[0], ids[1]


def _found(desk: Desk, incoming: Incoming) -> Batch:
    batch = desk.batches.get(incoming.params["id"])
    if batch is None:
        raise Refused(no_such_batch(incoming.params["id"]))
    return batch
