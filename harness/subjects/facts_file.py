"""The stack's facts on disk: one JSON line per call, written when the call ends."""

from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from ..stack.core.facts import CallFacts


class FactsFile:
    """Appends facts to `path`; without a path they are dropped."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("ab", buffering=0)

    def write(self, facts: CallFacts) -> None:
        """Append one line, unbuffered."""
        if self._file is not None:
            self._file.write(orjson.dumps(facts.as_row(), option=orjson.OPT_APPEND_NEWLINE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
