"""The ledger: every row in the order in which the requests ended, exportable as NDJSON."""

from collections.abc import Iterator, Sequence

from .row import LedgerRow
from .store import RowStore
from .totals import Totals


class Ledger:
    """Rows in the order in which their requests ended, with running totals.

    `max_rows_in_memory`: older rows beyond it move to a temporary file (default 100,000).
    """

    def __init__(self, max_rows_in_memory: int = 100_000) -> None:
        self._rows = RowStore(LedgerRow, max_rows_in_memory)
        self.totals = Totals()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Sequence[LedgerRow]:
        """All rows so far."""
        return self._rows

    def append(self, row: LedgerRow) -> None:
        """Add the row of a request that has ended."""
        self._rows.append(row)
        self.totals.add(row)

    def ndjson(self, rows_per_part: int = 1000, *, since: int = 0) -> Iterator[bytes]:
        """The rows that exist now from index `since` on, one JSON object a line, in bounded parts."""
        return self._rows.ndjson(since, rows_per_part)

    def close(self) -> None:
        """Drop the rows and free the disk; garbage collection frees it too."""
        self._rows.close()
