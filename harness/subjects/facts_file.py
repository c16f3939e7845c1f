"""The stack's facts on disk: one JSON line per call, written when the call ends."""

import contextlib
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from ..stack.core.facts import CallFacts


class FactsFile:
    """Appends facts to `path`; without a path they are dropped.

    A failed write, on a full disk say, fails no call: it is reported once on standard error, and nothing more
    is written.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("ab", buffering=0)
        self._failed = False

    def write(self, facts: CallFacts) -> None:
        """Append one line, unbuffered."""
        if self._file is None or self._failed:
            return
        line = orjson.dumps(facts.as_row(), option=orjson.OPT_APPEND_NEWLINE)
        try:
            self._failed = self._file.write(line) != len(line)
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):  # the log may be on the same disk
                sys.stderr.write(f"the facts of calls are lost from {facts.call_id} on: {error}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
