"""JSONL: one JSON object a line, its keys the columns; a name with dots leads into nested objects."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from harness.errors import InputError

from .formats import expected_columns, layout_of
from .options import Role, TraceOptions
from .seeking import seek
from .source import EXPECTED_FILE, RawRow
from .text_file import TextFile
from .values import nanoseconds, shown


class JsonlSource:
    """Rows of a JSONL file. Blank lines are skipped. A key that a row lacks is None."""

    def __init__(self, file: TextFile, options: TraceOptions) -> None:
        self._file = file
        self._options = options
        self._offset = 0
        self._lines_before: int | None = 0
        with file.open_at() as lines:
            number, first = next(
                ((n, line) for n, line in enumerate(lines, start=1) if line.strip()), (1, b"")
            )
        found = self._object(first, number)
        layout = layout_of(found, options)
        if layout is None:
            names = ",".join(found)[:80]
            raise InputError(f"{file.path} line {number}: {expected_columns(options)}, got {names!r}")
        self.layout = layout

    def rows(self, from_ns: int | None = None) -> Iterator[RawRow]:
        """The rows in the file's order, from a line near `from_ns` on."""
        start = 0 if from_ns is None else seek(self._file, 0, lambda line: self._before(line, from_ns))
        self._offset, self._lines_before = start, None if start else 0
        with self._file.open_at(start) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield RawRow(number, self._values(self._object(line, number)))

    def where(self, number: int) -> str:
        """File and line."""
        if self._lines_before is None:
            self._lines_before = self._file.lines_before(self._offset)
        return f"{self._file.path} line {self._lines_before + number}"

    def _object(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{self.where(number)}: is not JSON ({error}); {EXPECTED_FILE}") from error
        if not isinstance(row, dict):
            raise InputError(f"{self.where(number)}: expected a JSON object, got {shown(row)}")
        return row

    def _values(self, row: Mapping[str, Any]) -> dict[Role, Any]:
        return {role: _value(row, name) for role, name in self.layout.columns.items()}

    def _before(self, line: bytes, from_ns: int) -> bool | None:
        reorder_ns = int(self._options.reorder_s * 1e9)
        try:
            value = _value(orjson.loads(line), self.layout.columns["time"])
            return nanoseconds(value, self.layout.time_unit) < from_ns - reorder_ns
        except (ValueError, AttributeError):
            return None


def _value(row: Mapping[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    found: Any = row
    for key in name.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found
