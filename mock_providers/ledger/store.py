"""A sequence of rows that keeps the newest in memory and the older ones in a temporary file.

The file has no name and lies in `TMPDIR`, so it disappears with the process, also after a crash. Rows move in
small batches: moving tens of thousands at once would delay every stream.
"""

import logging
import sys
import tempfile
import weakref
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Generic, TypeVar, overload

import orjson

R = TypeVar("R")

_MOST_ROWS_A_SPILL = 256
_ROWS_A_READ = 1000

_log = logging.getLogger(__name__)


class RowStore(Sequence[R], Generic[R]):
    """An append-only sequence of dataclass rows of flat JSON values.

    - `of`: the rows' class
    - `max_rows_in_memory`: at least 2; rows beyond it are on disk, 8 bytes each stay in memory

    Readers see the rows that existed when they began, whatever is appended while they read. A row read back
    from disk is equal to the one appended. When the disk cannot be written, rows stay in memory, with a
    warning.
    """

    def __init__(self, of: type[R], max_rows_in_memory: int) -> None:
        if max_rows_in_memory < 2:
            raise ValueError(f"max_rows_in_memory: expected at least 2, got {max_rows_in_memory}")
        self._of = of
        self._limit = max_rows_in_memory
        self._batch = min(_MOST_ROWS_A_SPILL, max_rows_in_memory // 2)
        self._recent: list[R] = []
        self._file: IO[bytes] | None = None
        self._ends = array("Q", [0])  # of the rows on disk: row i is the bytes from [i] to [i + 1]

    def __len__(self) -> int:
        return self.rows_on_disk + len(self._recent)

    @property
    def rows_on_disk(self) -> int:
        """Number of (oldest) rows on disk."""
        return len(self._ends) - 1

    def append(self, row: R) -> None:
        """Add a row at the end."""
        self._recent.append(row)
        if len(self._recent) > self._limit:
            self._spill()

    @overload
    def __getitem__(self, at: int) -> R: ...
    @overload
    def __getitem__(self, at: slice) -> list[R]: ...
    def __getitem__(self, at: int | slice) -> R | list[R]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step == 1:
                return self._rows(start, stop)
            return [self[nth] for nth in range(start, stop, step)]
        nth = at + len(self) if at < 0 else at
        if not 0 <= nth < len(self):
            raise IndexError(f"row {at}: expected less than {len(self)} rows")
        return self._rows(nth, nth + 1)[0]

    def __iter__(self) -> Iterator[R]:
        end = len(self)
        for start in range(0, end, _ROWS_A_READ):
            yield from self._rows(start, min(start + _ROWS_A_READ, end))

    def ndjson(self, since: int = 0, rows_per_part: int = _ROWS_A_READ) -> Iterator[bytes]:
        """The rows that exist now from index `since` on, one JSON object a line, in bounded parts."""
        return self._parts(since, len(self), rows_per_part)

    def close(self) -> None:
        """Drop all rows and free the disk; readers find no more. Garbage collection does it too."""
        self._recent.clear()
        self._ends = array("Q", [0])
        if self._file is not None:
            self._file.close()
            self._file = None

    def _parts(self, since: int, end: int, rows_per_part: int) -> Iterator[bytes]:
        for start in range(since, end, rows_per_part):
            stop = min(start + rows_per_part, end)
            yield self._on_disk(start, stop) + _lines(self._in_memory(start, stop))

    def _rows(self, start: int, stop: int) -> list[R]:
        on_disk = self._on_disk(start, stop).splitlines()
        return [self._of(**orjson.loads(line)) for line in on_disk] + self._in_memory(start, stop)

    def _in_memory(self, start: int, stop: int) -> list[R]:
        on_disk = self.rows_on_disk
        return self._recent[max(start - on_disk, 0) : max(stop - on_disk, 0)]

    def _on_disk(self, start: int, stop: int) -> bytes:
        start, stop = min(start, self.rows_on_disk), min(stop, self.rows_on_disk)
        if self._file is None or start >= stop:
            return b""
        self._file.seek(self._ends[start])
        return self._file.read(self._ends[stop] - self._ends[start])

    def _spill(self) -> None:
        lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self._recent[: self._batch]]
        try:
            file = self._file or self._open()
            file.seek(self._ends[-1])
            data = b"".join(lines)
            if file.write(data) < len(data):
                raise OSError("disk full")
        except OSError as error:
            _log.warning("ledger: cannot spill to disk, its rows stay in memory: %s", error)
            self._limit = sys.maxsize
            return
        for line in lines:
            self._ends.append(self._ends[-1] + len(line))
        del self._recent[: self._batch]

    def _open(self) -> IO[bytes]:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as the store lives
        weakref.finalize(self, self._file.close)
        return self._file


def _lines(rows: list[R]) -> bytes:
    return b"".join([orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows])
