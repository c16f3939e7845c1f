"""Reads a trace file: one pass over the part that is played, whatever the length of the file.

Rows must be in order of time, give or take `reorder_s`. Reading ends with the first row behind the part; in
plain CSV and JSONL it begins near the part too (a bisection of the file), in Parquet at its row group. Rows
outside of the part are not checked.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import InputError

from ..draws import bits
from ..trace import Trace, TraceRow
from .csv_source import CsvSource
from .facts import read_facts
from .jsonl_source import JsonlSource
from .options import Role, TraceOptions
from .ordering import Ordered, TimedRow
from .scaling import scaled
from .source import Source, file_errors
from .text_file import TextFile
from .values import block_ids, session, tokens

Value = TypeVar("Value")
_PARQUET = b"PAR1"


def read_trace(
    path: Path, options: TraceOptions | None = None, *, seed: int = 0, duration_s: float | None = None
) -> Trace:
    """The calls of the file's part that starts within `duration_s` seconds of playing.

    Times are seconds since the part's start: the first row of the file, or `slice.from_s` after it.

    Raises InputError, one line with file, line, column and what was expected: for a file that cannot be read
    or has no such columns, a bad value, rows too far out of order, and a part without rows.
    """
    options = options or TraceOptions()
    with file_errors(path):
        return _read(path, open_source(path, options), options, seed, duration_s)


def open_source(path: Path, options: TraceOptions) -> Source:
    """The file's format, by its first bytes: Parquet, JSONL, else CSV."""
    with path.open("rb") as file:
        if file.read(4) == _PARQUET:
            from .parquet_source import ParquetSource  # takes half a second

            return ParquetSource(path, options)
    text = TextFile(path)
    with text.open_at() as opened:
        first = next((line.strip() for line in opened if line.strip()), b"")
    return JsonlSource(text, options) if first[:1] in {b"{", b"["} else CsvSource(text, options)


def _read(path: Path, source: Source, options: TraceOptions, seed: int, duration_s: float | None) -> Trace:
    first_ns = Ordered(source, options.reorder_s).first_ns()
    if first_ns is None:
        raise InputError(f"{path}: expected at least one row, got none")
    start_ns = first_ns + _ns(options.slice.from_s)
    played_s = _played_s(options, duration_s)
    ordered = Ordered(source, options.reorder_s)
    rows = ordered.rows(start_ns if options.slice.from_s else None)
    end_ns = None if played_s is None else start_ns + _ns(played_s * options.speed)
    read: list[TraceRow] = []
    for row in rows:
        if end_ns is not None and row.ns >= end_ns:
            ends_s = None
            break
        read.append(_trace_row(row, source, start_ns, options.speed))
    else:
        ends_s = _end_s(read, played_s)
    if not read:
        to = "its end" if options.slice.to_s is None else f"{options.slice.to_s:g} s"
        raise InputError(f"{path}: expected rows from {options.slice.from_s:g} s to {to}, got none")
    played = tuple(scaled(read, options.scale, seed))
    length_s = played_s if ends_s is None else ends_s
    facts = read_facts(path, source.layout, options, read, played, late=ordered.late, played_s=length_s)
    return Trace(path.name, played, source.layout.block_tokens, facts, ends_s)


def _end_s(read: list[TraceRow], played_s: float | None) -> float | None:
    """The end of a file that ends before the part: a mean gap after its last row, so that n rows in that time
    have their own rate; None where that is not before the part's end, or the rows have no gaps."""
    span_s = read[-1].at_s if len(read) > 1 else 0.0
    if not span_s:
        return None
    end_s = span_s * len(read) / (len(read) - 1)
    return end_s if played_s is None or end_s < played_s else None


def _played_s(options: TraceOptions, duration_s: float | None) -> float | None:
    """The length of the part in seconds of playing; None: to the end of the file."""
    part = options.slice
    lengths = [] if part.to_s is None else [(part.to_s - part.from_s) / options.speed]
    return min([*lengths, *([] if duration_s is None else [duration_s])], default=None)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _trace_row(row: TimedRow, source: Source, start_ns: int, speed: float) -> TraceRow:
    def value(role: Role, parse: Callable[[Any], Value]) -> Value:
        try:
            return parse(row.values[role])
        except ValueError as error:
            place = f"{source.where(row.number)}, column {source.layout.columns[role]}"
            raise InputError(f"{place}: {error}") from None

    columns = source.layout.columns
    return TraceRow(
        (row.ns - start_ns) / 1e9 / speed,
        value("input", tokens),
        value("output", tokens),
        value("session", session) if "session" in columns else "",
        tuple(map(_block_key, value("prefix", block_ids))) if "prefix" in columns else (),
    )


@lru_cache(maxsize=1 << 18)
def _block_key(block_id: int | str) -> int:
    return bits(0, "block", block_id)
