"""Whatever a file looks like, it is read exactly, or refused in one line that names the place."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.load.traces.options import TraceOptions
from harness.load.traces.reading import read_trace
from tests.load.traces.files import Cells, Style, stamp, styles, written_csv, written_jsonl

AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
NAMED = TraceOptions(columns={"time": "t", "input": "in", "output": "out"})
cells = st.tuples(st.integers(0, 10**10), st.integers(0, 10**7), st.integers(0, 10**7))
BAD_TIMES = [
    "",
    "NaN",
    "inf",
    "-",
    "2024-13-01 00:00:00",
    "2024-05-10 25:00:00",
    "1e999",
    "0x10",
    "ten",
    "[1]",
]
BAD_TOKENS = ["", "NaN", "-1", "1.5", "1e9", "0x10", "ten", "10000001", "1 2", "½", "٣x"]


def nearly_sorted(rows: list[Cells], reorder_s: float) -> list[Cells]:
    """The rows by time, each moved back by up to `reorder_s` (the first digit of its lengths decides)."""
    return sorted(rows, key=lambda row: row[0] + row[1] % 10 / 10 * reorder_s * 1e6)


def read_cells(path: Path, options: TraceOptions | None = None) -> list[Cells]:
    rows = read_trace(path, options).rows
    return [(round(row.at_s * 1e6), row.input_tokens, row.output_tokens) for row in rows]


def refusal(path: Path, options: TraceOptions | None) -> str | None:
    try:
        read_trace(path, options)
    except InputError as error:
        return str(error)
    return None


def expected(rows: list[Cells]) -> list[Cells]:
    first = min(us for us, _, _ in rows)
    return sorted(((us - first, *lengths) for us, *lengths in rows), key=lambda row: row[0])  # type: ignore[misc]


@settings(deadline=None, max_examples=150)
@given(st.lists(cells, min_size=1, max_size=30), styles)
def test_every_row_of_a_csv_file_is_read_in_order_of_time(rows: list[Cells], style: Style) -> None:
    rows = nearly_sorted(rows, 10.0)
    with TemporaryDirectory() as folder:
        table = [(stamp(us), in_, out) for us, in_, out in rows]
        path = written_csv(Path(folder) / "trace", AZURE, table, style)
        assert read_cells(path) == expected(rows)


@settings(deadline=None, max_examples=100)
@given(st.lists(cells, min_size=1, max_size=30), st.builds(Style, bom=st.booleans(), gzipped=st.booleans()))
def test_every_row_of_a_jsonl_file_is_read_in_order_of_time(rows: list[Cells], style: Style) -> None:
    rows = nearly_sorted(rows, 10.0)
    with TemporaryDirectory() as folder:
        table: list[dict[str, object]] = [{"t": us / 1e6, "in": in_, "out": out} for us, in_, out in rows]
        path = written_jsonl(Path(folder) / "trace", table, style)
        assert read_cells(path, NAMED) == expected(rows)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(cells, min_size=1, max_size=12),
    styles,
    st.data(),
)
def test_one_bad_cell_is_named_by_line_and_column(
    rows: list[Cells], style: Style, data: st.DataObject
) -> None:
    column = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(rows) - 1))
    bad = data.draw(st.sampled_from(BAD_TOKENS if column else BAD_TIMES))
    table = [[stamp(us), in_, out] for us, in_, out in sorted(rows)]
    table[at][column] = bad
    lines_each = 2 if style.extra else 1
    blanks = len([n for n in range(at + 1) if style.blank_every and n % style.blank_every == 0])
    with TemporaryDirectory() as folder:
        path = written_csv(Path(folder) / "trace", AZURE, table, style)
        line = f"{path} line {1 + (at + 1) * lines_each + blanks}, column {AZURE[column]}: expected"
        with pytest.raises(InputError) as caught:
            read_trace(path)
        assert str(caught.value).startswith(line)
        assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=20), st.floats(0, 300))
def test_rows_too_far_out_of_order_are_refused_and_no_others(times: list[int], reorder_s: float) -> None:
    newest, too_far = times[0], False
    for us in times:
        newest = max(newest, us)
        too_far = too_far or us * 1000 < newest * 1000 - int(reorder_s * 1e9)
    with TemporaryDirectory() as folder:
        path = written_csv(Path(folder) / "t", AZURE, [(stamp(us), 1, 1) for us in times], Style())
        options = TraceOptions(reorder_s=reorder_s)
        if too_far:
            with pytest.raises(InputError, match="rows in order of time"):
                read_trace(path, options)
        else:
            assert read_cells(path, options) == expected([(us, 1, 1) for us in times])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes) -> None:
    heads = (
        b"",
        b"TIMESTAMP,ContextTokens,GeneratedTokens\n",
        b'{"t":1,"in":1,"out":1}\n',
        b"PAR1",
        b"\x1f\x8b",
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace"
        for head in heads:
            path.write_bytes(head + content)
            text = refusal(path, NAMED if head[:1] == b"{" else None)
            assert text is None or text.startswith(str(path))
            assert text is None or len(text.splitlines()) == 1
