"""Trace files as somebody else's tools write them."""

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import orjson
from hypothesis import strategies as st

Cells = tuple[int, int, int]
"""Microseconds since the first day of the trace, input tokens, output tokens."""

FIRST = datetime(2024, 5, 10, tzinfo=UTC)


def stamp(us: int) -> str:
    """As in Azure's traces of 2024."""
    return (FIRST + timedelta(microseconds=us)).isoformat(" ", "microseconds")


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    bom: bool = False
    line_end: str = "\n"
    delimiter: str = ","
    quoted: bool = False
    blank_every: int = 0
    gzipped: bool = False
    last_line_end: bool = True
    extra: bool = False


styles = st.builds(
    Style,
    bom=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    quoted=st.booleans(),
    blank_every=st.integers(0, 3),
    gzipped=st.booleans(),
    last_line_end=st.booleans(),
    extra=st.booleans(),
)


def written_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], style: Style) -> Path:
    """Write rows under a header; `extra` adds a column of text with separators, quotes and line ends."""
    text = io.StringIO()
    quoting: Literal[0, 1] = 1 if style.quoted else 0  # csv.QUOTE_ALL, csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=style.delimiter, quoting=quoting, lineterminator=style.line_end)
    noise = ['a;b,c\t"d"\nsecond line'] if style.extra else []
    writer.writerow([*header, *(["note"] if style.extra else [])])
    for n, row in enumerate(rows):
        if style.blank_every and n % style.blank_every == 0:
            text.write(style.line_end)
        writer.writerow([*row, *noise])
    content = text.getvalue()
    if not style.last_line_end:
        content = content.removesuffix(style.line_end)
    return _stored(path, content, style)


def written_jsonl(path: Path, rows: Sequence[dict[str, object]], style: Style) -> Path:
    """Write an object a line."""
    lines = [orjson.dumps(row).decode() for row in rows]
    return _stored(path, style.line_end.join([*lines, ""]), style)


def _stored(path: Path, content: str, style: Style) -> Path:
    data = content.encode("utf-8-sig" if style.bom else "utf-8")
    path.write_bytes(gzip.compress(data, 1) if style.gzipped else data)
    return path
