"""What survives a restart: three files a batch, each written whole or not at all.

`KEY.requests.jsonl` what is asked, before anything is sent; `KEY.state.json` where it stands;
`KEY.results.jsonl` what came of it and what it cost. A file is written beside its place, flushed to the disk
and moved there, so whoever reads finds the old one or the new one.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from ..core.errors import ProviderError
from ..core.reply import Answer, Finish, ToolCall, Usage
from .http import Request, Result

Stage = Literal["new", "submitting", "submitted", "collected"]


@dataclass(frozen=True, slots=True)
class State:
    """Where a batch stands; `batch_id` is the provider's, once it is known."""

    key: str
    target: str
    total: int
    stage: Stage = "new"
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class Billed:
    """A result, and what it cost in nano-dollars."""

    result: Result
    cost_nusd: int = 0


class Journal:
    """The batches in a folder, which is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def states(self) -> list[State]:
        """Of all batches, by their keys."""
        files = sorted(self._folder.glob("*.state.json"))
        return [State(**orjson.loads(file.read_bytes())) for file in files]

    def open(self, state: State, requests: Iterable[Request]) -> None:
        """Write down a batch that is about to be sent."""
        asked = [{"custom_id": each.custom_id, "body": orjson.Fragment(each.body)} for each in requests]
        self._write(f"{state.key}.requests.jsonl", _lines(asked))
        self.note(state)

    def note(self, state: State, **changes: Any) -> State:
        """Write down where a batch stands now."""
        state = replace(state, **changes)
        self._write(f"{state.key}.state.json", orjson.dumps(asdict(state)))
        return state

    def requests(self, key: str) -> list[Request]:
        """What a batch asks."""
        lines = (self._folder / f"{key}.requests.jsonl").read_bytes().splitlines()
        asked = [orjson.loads(line) for line in lines]
        return [Request(each["custom_id"], orjson.dumps(each["body"])) for each in asked]

    def close(self, state: State, results: Iterable[Billed]) -> State:
        """Write down what came of a batch."""
        self._write(f"{state.key}.results.jsonl", _lines(map(_told, results)))
        return self.note(state, stage="collected")

    def results(self, key: str) -> list[Billed]:
        """What came of a batch."""
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


def _told(billed: Billed) -> dict[str, Any]:
    result = billed.result
    row: dict[str, Any] = {"custom_id": result.custom_id, "cost_nusd": billed.cost_nusd}
    if result.error is not None:
        error = result.error
        said = {"kind": error.kind, "message": str(error), "status": error.status}
        row["error"] = said | {"retryable": error.retryable}
    if result.answer is not None:
        text, calls, finish = result.answer
        usage = None if finish.usage is None else asdict(finish.usage)
        row["answer"] = {"text": text, "tool_calls": [asdict(call) for call in calls]}
        row["answer"] |= {"reason": finish.reason, "usage": usage}
    return row


def _read(row: dict[str, Any]) -> Billed:
    error, answer, whole = row.get("error"), row.get("answer"), None
    if answer is not None:
        usage = None if answer["usage"] is None else Usage(**answer["usage"])
        calls = tuple(ToolCall(**call) for call in answer["tool_calls"])
        whole = Answer(answer["text"], calls, Finish(answer["reason"], usage))
    failed = None
    if error is not None:
        failed = ProviderError(
            error["kind"], error["message"], status=error["status"], retryable=error["retryable"]
        )
    return Billed(Result(row["custom_id"], whole, failed), row["cost_nusd"])
