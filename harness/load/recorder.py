"""Rows of calls, each written as soon as its call is over, so that an interrupted run keeps them."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import orjson

from .plan import PlannedCall
from .reading import ObservedReply
from .workload.catalogue import is_right

WHOLE = ("success", "empty", "filtered")
"""Outcomes of replies that ended well, whose text can be judged."""


def call_row(
    call: PlannedCall, observed: ObservedReply, *, t0_s: float, started_s: float | None, end_s: float | None
) -> dict[str, Any]:
    """The client's columns of the calls table; times become seconds since t = 0.

    `chunk_s` is an array: an hour of traffic has millions of chunks, and a list takes four times the memory.
    """
    outcome = observed.outcome

    def since_t0(time_s: float | None) -> float | None:
        return None if time_s is None else time_s - t0_s

    return {
        "call_id": call.call_id,
        "n": call.n,
        "session": call.session or None,
        "tenant": call.tenant,
        "question_id": call.question_id,
        "difficulty": call.difficulty,
        "stream": call.stream,
        "planned_s": call.at_s,
        "started_s": since_t0(started_s),
        "first_s": since_t0(observed.chunk_s[0]) if observed.chunk_s else None,
        "end_s": since_t0(end_s),
        "outcome": outcome,
        "error_kind": observed.error_kind,
        "exception": observed.exception,
        "status": observed.status,
        "input_tokens": call.input_tokens,
        "output_tokens": observed.output_tokens,
        "chunk_s": np.array(observed.chunk_s) - t0_s,
        "finish_reason": observed.finish_reason,
        "answer_right": is_right(observed.text, call.expected) if outcome in WHOLE else None,
    }


def unsent_row(call: PlannedCall, outcome: str) -> dict[str, Any]:
    """The row of a planned call that was not sent, or whose own row is lost."""
    return call_row(call, ObservedReply(ended_as=outcome), t0_s=0.0, started_s=None, end_s=None)


class Recorder:
    """Appends rows to an NDJSON file. After a failed write, on a full disk say, it writes nothing more:
    `error` says why."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.error: str | None = None

    def write(self, row: dict[str, Any]) -> None:
        """Append one line, unbuffered."""
        if self.error is not None:
            return
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
        try:
            if self._file.write(line) != len(line):
                self.error = "a row was written in part"
        except OSError as error:
            self.error = error.strerror or str(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an NDJSON file; a last line cut short by a crash is left out."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    return [orjson.loads(line) for line in lines[:-1]]
