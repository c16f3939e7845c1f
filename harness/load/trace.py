"""Recorded traffic: reads the Azure LLM inference trace of 2023 as rows of (time, input and output tokens).

The format is a CSV with the header `TIMESTAMP,ContextTokens,GeneratedTokens`, the timestamps with up to seven
digits after the second (https://github.com/Azure/AzurePublicDataset, CC BY 4.0).
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import InputError

AZURE_HEADER = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_EXPECTED_FILE = f"expected an Azure LLM trace (CSV with the header {','.join(AZURE_HEADER)})"


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One recorded call: seconds since the trace's first call, input and output tokens."""

    at_s: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Recorded calls in order of time; `name` is the file's, for the report."""

    name: str
    rows: tuple[TraceRow, ...]


def read_azure_trace(path: Path) -> Trace:
    """Read the file row by row. Rows out of order are sorted; rows of equal times keep the file's order.

    Raises InputError, one line with file, line, column and expectation, for an unreadable file, another
    header, a wrong number of columns, a bad timestamp or number, and a file without rows.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            stamped = sorted(_stamped_rows(path, csv.reader(file)), key=lambda row: row[0])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_EXPECTED_FILE}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not CSV text; {_EXPECTED_FILE}") from error
    if not stamped:
        raise InputError(f"{path} line 2: expected at least one row below the header, got none")
    first_ns = stamped[0][0]
    rows = (TraceRow((ns - first_ns) / 1e9, tokens_in, tokens_out) for ns, tokens_in, tokens_out in stamped)
    return Trace(path.name, tuple(rows))


def _stamped_rows(path: Path, lines: Iterator[Sequence[str]]) -> Iterator[tuple[int, int, int]]:
    header = next(lines, [])
    if tuple(header) != AZURE_HEADER:
        raise InputError(f"{path} line 1: {_EXPECTED_FILE}, got {','.join(header)[:80]!r}")
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        if len(line) != len(AZURE_HEADER):
            raise InputError(f"{path} line {number}: expected {len(AZURE_HEADER)} columns, got {len(line)}")
        at = f"{path} line {number}, column"
        stamp, context, generated = line
        yield (
            _nanoseconds(stamp, f"{at} TIMESTAMP"),
            _tokens(context, f"{at} ContextTokens"),
            _tokens(generated, f"{at} GeneratedTokens"),
        )


def _nanoseconds(text: str, where: str) -> int:
    """Nanoseconds since 1970 as an integer: a float would lose the seventh digit, and `datetime` drops it."""
    expected = f"{where}: expected a time such as 2023-11-16 18:15:46.6805900, got {text[:40]!r}"
    parts = _TIMESTAMP.fullmatch(text)
    if parts is None:
        raise InputError(expected)
    try:
        second = datetime.fromisoformat(parts[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(expected) from error
    return int(second.timestamp()) * 1_000_000_000 + int((parts[2] or "0").ljust(9, "0"))


def _tokens(text: str, where: str) -> int:
    if _WHOLE_NUMBER.fullmatch(text) is None:
        raise InputError(f"{where}: expected a whole number of tokens, got {text[:40]!r}")
    return int(text)
