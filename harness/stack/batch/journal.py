"""Batches on disk, to survive restarts: three files per batch, each replaced atomically.

`KEY.requests.jsonl`: the items, written before anything is sent; `KEY.state.json`: the batch's stage and ids;
`KEY.results.jsonl`: results and costs. Files are written under a temporary name, synced and renamed, so a
reader finds the old or the new content, never a part.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from ..core.errors import ProviderError
from ..core.reply import Answer, Finish, ToolCall, Usage
from .http import BatchItem, ItemResult

Stage = Literal["new", "submitting", "submitted", "collected"]


@dataclass(frozen=True, slots=True)
class BatchState:
    """The stage of a batch of `total` items; `batch_id` is the provider's id, "" until it is known. `failed`
    are the ids under which the provider took it earlier and failed it for a limit that passes.
    """

    key: str
    target: str
    total: int
    stage: Stage = "new"
    batch_id: str = ""
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BilledResult:
    """A result and its cost in nano-dollars."""

    result: ItemResult
    cost_nusd: int = 0


class Journal:
    """The batches in a folder; the folder is created if missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def states(self) -> list[BatchState]:
        """The states of all batches, sorted by key."""
        files = sorted(self._folder.glob("*.state.json"))
        return [_state(orjson.loads(file.read_bytes())) for file in files]

    def open(self, state: BatchState, items: Iterable[BatchItem]) -> None:
        """Save a batch before it is sent."""
        rows = [{"custom_id": each.custom_id, "body": orjson.Fragment(each.body)} for each in items]
        self._write(f"{state.key}.requests.jsonl", _lines(rows))
        self.note(state)

    def note(self, state: BatchState, **changes: Any) -> BatchState:
        """Save the state with these changes; returns the new state."""
        state = replace(state, **changes)
        self._write(f"{state.key}.state.json", orjson.dumps(asdict(state)))
        return state

    def items(self, key: str) -> list[BatchItem]:
        """The items of a batch, in their order."""
        lines = (self._folder / f"{key}.requests.jsonl").read_bytes().splitlines()
        rows = [orjson.loads(line) for line in lines]
        return [BatchItem(each["custom_id"], orjson.dumps(each["body"])) for each in rows]

    def close(self, state: BatchState, results: Iterable[BilledResult]) -> BatchState:
        """Save the results of a batch; it is then collected."""
        self._write(f"{state.key}.results.jsonl", _lines(map(_row, results)))
        return self.note(state, stage="collected")

    def results(self, key: str) -> list[BilledResult]:
        """The results of a collected batch."""
        lines = (self._folder / f"{key}.results.jsonl").read_bytes().splitlines()
        return [_read(orjson.loads(line)) for line in lines]

    def _write(self, name: str, content: bytes) -> None:
        place = self._folder / name
        unfinished = place.with_name(f".{name}.part")
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)


def _lines(values: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in values)


def _state(row: dict[str, Any]) -> BatchState:
    return BatchState(**row | {"failed": tuple(row.get("failed", ()))})


def _row(billed: BilledResult) -> dict[str, Any]:
    result = billed.result
    row: dict[str, Any] = {"custom_id": result.custom_id, "cost_nusd": billed.cost_nusd}
    if result.error is not None:
        error = result.error
        fields = {"kind": error.kind, "message": str(error), "status": error.status}
        row["error"] = fields | {"retryable": error.retryable}
    if result.answer is not None:
        text, calls, finish, thought = result.answer
        usage = None if finish.usage is None else asdict(finish.usage)
        row["answer"] = {"text": text, "tool_calls": [asdict(call) for call in calls]}
        row["answer"] |= {"reason": finish.reason, "usage": usage}
        row["answer"] |= {"thought": thought} if thought else {}
    return row


def _read(row: dict[str, Any]) -> BilledResult:
    error, answer, whole = row.get("error"), row.get("answer"), None
    if answer is not None:
        usage = None if answer["usage"] is None else Usage(**answer["usage"])
        calls = tuple(ToolCall(**call) for call in answer["tool_calls"])
        finish = Finish(answer["reason"], usage)
        whole = Answer(answer["text"], calls, finish, answer.get("thought", ""))
    failed = None
    if error is not None:
        failed = ProviderError(
            error["kind"], error["message"], status=error["status"], retryable=error["retryable"]
        )
    return BilledResult(ItemResult(row["custom_id"], whole, failed), row["cost_nusd"])
