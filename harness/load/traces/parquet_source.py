"""Parquet: the wanted columns alone, batch by batch; row groups before a slice are passed over unread."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import InputError

from .formats import Layout, expected_columns, layout_of
from .options import TraceOptions
from .source import EXPECTED_FILE, RawRow
from .values import nanoseconds

_BATCH_ROWS = 4_096
_BUFFER_BYTES = 1 << 20


class ParquetSource:
    """Rows of a Parquet file; rows are counted from 1 in errors. Timestamps are read to the nanosecond."""

    def __init__(self, path: Path, options: TraceOptions) -> None:
        self._path = path
        try:
            self._file = pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        except pa.ArrowException as error:
            raise InputError(
                f"{path}: is not a Parquet file ({_first_line(error)}); {EXPECTED_FILE}"
            ) from error
        schema = self._file.schema_arrow
        layout = layout_of(schema.names, options)
        if layout is None or any(name not in schema.names for name in layout.columns.values()):
            found = ",".join(schema.names)[:80]
            raise InputError(f"{path}: {expected_columns(options)}, got {found!r}")
        self._stamped = pa.types.is_timestamp(schema.field(layout.columns["time"]).type)
        unit = "ns" if self._stamped else layout.time_unit
        self.layout = Layout(layout.format, layout.columns, unit, layout.block_tokens)
        self._reorder_ns = int(options.reorder_s * 1e9)

    def rows(self, from_ns: int | None = None) -> Iterator[RawRow]:
        """The rows in the file's order, from the row group of `from_ns` on."""
        skipped, groups = self._groups(from_ns)
        names = list(self.layout.columns.values())
        number = skipped
        try:
            for batch in self._file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=names):
                if from_ns is not None and self._ends_before(batch, from_ns - self._reorder_ns):
                    number += batch.num_rows
                    continue
                columns = {role: self._cells(batch, role) for role in self.layout.columns}
                for n in range(batch.num_rows):
                    number += 1
                    yield RawRow(number, {role: cells[n] for role, cells in columns.items()})
        except pa.ArrowException as error:
            raise InputError(f"{self.where(number + 1)}: cannot be read ({_first_line(error)})") from error

    def where(self, number: int) -> str:
        """File and row."""
        return f"{self._path} row {number}"

    def _ends_before(self, batch: Any, ns: int) -> bool:
        """Whether all times of a batch are numbers or timestamps before `ns`."""
        column = batch.column(self.layout.columns["time"])
        if not (self._stamped or pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            return False
        if self._stamped:
            column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
        try:
            return nanoseconds(pc.max(column, skip_nulls=False).as_py(), self.layout.time_unit) < ns
        except ValueError:
            return False

    def _cells(self, batch: Any, role: Any) -> list[Any]:
        column = batch.column(self.layout.columns[role])
        if role == "time" and self._stamped:
            column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
        cells: list[Any] = column.to_pylist()
        return cells

    def _groups(self, from_ns: int | None) -> tuple[int, list[int]]:
        """(rows of the leading row groups that end before the slice, the numbers of the others)."""
        metadata = self._file.metadata
        skipped, first = 0, 0
        while first < metadata.num_row_groups and from_ns is not None:
            latest = self._latest_ns(metadata.row_group(first))
            if latest is None or latest >= from_ns - self._reorder_ns:
                break
            skipped += metadata.row_group(first).num_rows
            first += 1
        return skipped, list(range(first, metadata.num_row_groups))

    def _latest_ns(self, group: Any) -> int | None:
        for n in range(group.num_columns):
            column = group.column(n)
            if column.path_in_schema == self.layout.columns["time"]:
                statistics = column.statistics
                if statistics is None or not statistics.has_min_max:
                    return None
                try:
                    return nanoseconds(statistics.max, self.layout.time_unit)
                except ValueError:
                    return None
        return None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
