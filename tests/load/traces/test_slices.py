"""A slice costs what it holds, not what the file holds; speed and scale keep its shape."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import InputError
from harness.load.trace import TraceRow
from harness.load.traces.options import TraceOptions, TraceSlice
from harness.load.traces.reading import open_source, read_trace
from harness.load.traces.scaling import scaled
from tests.load.traces.files import Style, stamp, written_csv, written_jsonl

AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
ROWS = 60_000
NAMED = TraceOptions(columns={"time": "t", "input": "in", "output": "out"})


def late_by(n: int) -> int:
    """Microseconds that row `n` is earlier than the rows around it: every seventh by up to 9 s."""
    return n % 9 * 10**6 if n % 7 == 0 and n > 100 else 0


TIMES = [n * 100_000 - late_by(n) for n in range(ROWS)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("traces")
    table = pa.table({"t": [us / 1e6 for us in TIMES], "in": range(ROWS), "out": [1] * ROWS})
    pq.write_table(table, folder / "parquet", row_group_size=1_000)
    rows: list[dict[str, object]] = [{"t": us / 1e6, "in": n, "out": 1} for n, us in enumerate(TIMES)]
    stamps = [(stamp(us), n, 1) for n, us in enumerate(TIMES)]
    return {
        "csv": written_csv(folder / "csv", AZURE, stamps, Style(bom=True)),
        "quoted": written_csv(folder / "quoted", AZURE, stamps, Style(quoted=True, line_end="\r\n")),
        "jsonl": written_jsonl(folder / "jsonl", rows, Style()),
        "parquet": folder / "parquet",
    }


def options_of(kind: str, **more: object) -> TraceOptions:
    options = TraceOptions() if kind in {"csv", "quoted"} else NAMED
    return options.model_copy(update=more)


@pytest.mark.parametrize("kind", ["csv", "quoted", "jsonl", "parquet"])
@pytest.mark.parametrize("from_s", [0.0, 11.0, 3_000.0, 5_990.0])
def test_a_slice_has_the_rows_of_its_time_and_no_others(
    files: dict[str, Path], kind: str, from_s: float
) -> None:
    options = options_of(kind, slice=TraceSlice(from_s=from_s, to_s=from_s + 30))
    trace = read_trace(files[kind], options)
    wanted = sorted((us, n) for n, us in enumerate(TIMES) if from_s <= us / 1e6 < from_s + 30)
    assert [row.input_tokens for row in trace.rows] == [n for _, n in wanted]
    assert [row.at_s for row in trace.rows] == pytest.approx([us / 1e6 - from_s for us, _ in wanted])


@pytest.mark.parametrize("kind", ["csv", "quoted", "jsonl", "parquet"])
def test_only_rows_near_the_slice_are_read(files: dict[str, Path], kind: str) -> None:
    source = open_source(files[kind], options_of(kind))
    first_ns = 1_715_299_200 * 10**9 if kind in {"csv", "quoted"} else 0
    read = []
    for row in source.rows(first_ns + 5_000 * 10**9):
        read.append(int(row.values["input"]))
        if len(read) == 4_500:
            break
    assert 49_900 > read[0] > 40_000, "the file was read from its beginning"
    assert 50_000 in read


def test_an_error_far_into_the_file_names_its_line(tmp_path: Path) -> None:
    stamps: list[tuple[object, ...]] = [(stamp(n * 100_000), n, 1) for n in range(30_000)]
    stamps[25_010] = (stamp(2_501_000_000), "many", 1)
    path = written_csv(tmp_path / "csv", AZURE, stamps, Style())
    with pytest.raises(InputError, match=r"csv line 25012, column ContextTokens: expected a whole number"):
        read_trace(path, TraceOptions(slice=TraceSlice(from_s=2_500, to_s=2_502)))
    assert read_trace(path, TraceOptions(slice=TraceSlice(from_s=2_400, to_s=2_402))).rows


def test_a_slice_without_rows_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="csv: expected rows from 90000 s to 90001 s, got none"):
        read_trace(files["csv"], TraceOptions(slice=TraceSlice(from_s=90_000, to_s=90_001)))


def test_speed_divides_times_and_the_duration_bounds_what_is_played(files: dict[str, Path]) -> None:
    options = options_of("csv", slice=TraceSlice(from_s=1_000), speed=4.0)
    fast = read_trace(files["csv"], options, duration_s=5)
    slow = read_trace(files["csv"], options_of("csv", slice=TraceSlice(from_s=1_000, to_s=1_020)))
    assert [row.at_s * 4 for row in fast.rows] == pytest.approx([row.at_s for row in slow.rows])
    assert fast.read is not None
    assert slow.read is not None
    assert (fast.read.rate_per_s, slow.read.rate_per_s) == (len(fast.rows) / 5, len(slow.rows) / 20)


def rows(n: int, *, sessions: int = 0) -> list[TraceRow]:
    return [TraceRow(i * 0.5, i, 1, f"s{i % sessions}" if sessions else "", (7, i)) for i in range(n)]


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 1.5, 3.0])
def test_scale_changes_the_rate_and_keeps_the_shape(scale: float) -> None:
    played = list(scaled(rows(4_000), scale, 7))
    assert len(played) == pytest.approx(4_000 * scale, rel=0.08)
    assert all(a.at_s <= b.at_s for a, b in pairwise(played))
    halves = [sum(row.at_s < 1_000 for row in played), sum(row.at_s >= 1_000 for row in played)]
    assert halves[0] == pytest.approx(halves[1], rel=0.25)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_a_longer_trace_begins_with_the_calls_of_the_shorter_one(scale: float) -> None:
    short, long = (list(scaled(rows(n), scale, 7)) for n in (500, 900))
    first = [row for row in long if row.input_tokens < 499]  # copies of the last row have no gap to spread in
    assert first == [row for row in short if row.input_tokens < 499]


def test_copies_are_other_users_and_conversations_stay_whole() -> None:
    one, two = scaled(rows(1), 2.0, 7)
    assert one.prefix[0] != two.prefix[0]
    sessions = [row.session for row in scaled(rows(100, sessions=10), 0.5, 7)]
    assert 0 < len(set(sessions)) < 10
    assert all(sessions.count(name) == 10 for name in set(sessions))
    copied = {row.session for row in scaled(rows(2, sessions=1), 2.0, 7)}
    assert copied == {"s0", "s0#1"}
