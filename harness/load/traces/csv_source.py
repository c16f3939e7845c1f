"""CSV with a header: separated by commas, semicolons or tabs, whichever the header has."""

import csv
from collections.abc import Iterator

from harness.errors import InputError

from .formats import expected_columns, layout_of
from .options import Role, TraceOptions
from .seeking import seek
from .source import RawRow
from .text_file import TextFile
from .values import nanoseconds

_DELIMITERS = ",;\t"


class CsvSource:
    """Rows of a CSV file. Blank lines are skipped; each other row has as many columns as the header."""

    def __init__(self, file: TextFile, options: TraceOptions) -> None:
        self._file = file
        self._options = options
        self._offset = 0
        self._lines_before: int | None = 0
        with file.open_text() as text:
            first = next((line for line in text if line.strip()), "")
            self._delimiter = max(_DELIMITERS, key=first.count)
        with file.open_text() as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            header = next((row for row in reader if row), [])
            self._header_lines = reader.line_num
        self._names = [name.strip() for name in header]
        layout = layout_of(self._names, options)
        if layout is None or any(name not in self._names for name in layout.columns.values()):
            found = ",".join(self._names)[:80]
            line = max(1, self._header_lines)
            raise InputError(f"{file.path} line {line}: {expected_columns(options)}, got {found!r}")
        self.layout = layout
        self._at = {role: self._index(name) for role, name in layout.columns.items()}

    def _index(self, name: str) -> int:
        if self._names.count(name) > 1:
            raise InputError(f"{self._file.path} line 1: expected one column {name!r}, got two")
        return self._names.index(name)

    def rows(self, from_ns: int | None = None) -> Iterator[RawRow]:
        """The rows in the file's order, from a line near `from_ns` on."""
        first = self._file.offset_of_line(self._header_lines)
        start = (
            first if from_ns is None else seek(self._file, first, lambda line: self._before(line, from_ns))
        )
        self._offset, self._lines_before = (start, None) if start > first else (0, 0)
        with self._file.open_text(self._offset) as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            if not self._offset:
                next(row for row in reader if row)
            for row in reader:
                if row:
                    yield RawRow(reader.line_num, self._values(row, reader.line_num))

    def where(self, number: int) -> str:
        """File and line."""
        if self._lines_before is None:
            self._lines_before = self._file.lines_before(self._offset)
        return f"{self._file.path} line {self._lines_before + number}"

    def _values(self, row: list[str], number: int) -> dict[Role, str]:
        if len(row) != len(self._names):
            where = self.where(number)
            raise InputError(f"{where}: expected {len(self._names)} columns, got {len(row)}")
        return {role: row[at] for role, at in self._at.items()}

    def _before(self, line: bytes, from_ns: int) -> bool | None:
        reorder_ns = int(self._options.reorder_s * 1e9)
        try:
            [row] = csv.reader([line.decode()], delimiter=self._delimiter, strict=True)
            if len(row) != len(self._names):
                return None
            return nanoseconds(row[self._at["time"]], self.layout.time_unit) < from_ns - reorder_ns
        except (ValueError, csv.Error):
            return None
