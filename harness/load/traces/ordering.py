"""Rows in order of time, from rows that are nearly so: a heap as long as the disorder that is allowed."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from harness.errors import InputError

from .options import Role
from .source import Source
from .values import nanoseconds


class TimedRow(NamedTuple):
    """A row with its time; `nth` counts rows as read, so equal times keep the file's order."""

    ns: int
    nth: int
    number: int
    values: dict[Role, Any]


class Ordered:
    """The rows of a source from `from_ns` on, sorted; rows may be `reorder_s` seconds out of order.

    A row is held back until one at least `reorder_s` later was read, so memory holds that much of the trace.
    A row still earlier is an InputError that names its line. `late` counts the rows that were out of order.
    """

    def __init__(self, source: Source, reorder_s: float) -> None:
        self._source = source
        self._reorder_s = reorder_s
        self.late = 0

    def rows(self, from_ns: int | None = None) -> Iterator[TimedRow]:
        """Sorted rows, as an endless file would give them: each as soon as it is certain."""
        reorder_ns = int(self._reorder_s * 1e9)
        waiting: list[TimedRow] = []
        newest: int | None = None
        for row in self._timed(from_ns):
            if newest is None or row.ns >= newest:
                newest = row.ns
            else:
                self._check(row, newest, reorder_ns)
            if from_ns is None or row.ns >= from_ns:
                heappush(waiting, row)
            while waiting and waiting[0].ns <= newest - reorder_ns:
                yield heappop(waiting)
        while waiting:
            yield heappop(waiting)

    def first_ns(self) -> int | None:
        """The earliest time of the trace, or None when it has no row."""
        return next((row.ns for row in self.rows()), None)

    def _check(self, row: TimedRow, newest: int, reorder_ns: int) -> None:
        self.late += 1
        if row.ns < newest - reorder_ns:
            raise InputError(
                f"{self._source.where(row.number)}, column {self._source.layout.columns['time']}: expected "
                f"rows in order of time, {self._reorder_s:g} s out of order at most, got one "
                f"{(newest - row.ns) / 1e9:g} s before an earlier row; sort the file or raise reorder_s"
            )

    def _timed(self, from_ns: int | None) -> Iterator[TimedRow]:
        layout = self._source.layout
        for nth, row in enumerate(self._source.rows(from_ns)):
            try:
                ns = nanoseconds(row.values["time"], layout.time_unit)
            except ValueError as error:
                where = self._source.where(row.number)
                raise InputError(f"{where}, column {layout.columns['time']}: {error}") from None
            yield TimedRow(ns, nth, row.number, row.values)
