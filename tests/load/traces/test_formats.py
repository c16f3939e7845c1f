"""The public traces are read as they are, and any other table by the names of its columns."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import InputError
from harness.load.trace import TraceRow
from harness.load.traces.options import TraceOptions
from harness.load.traces.reading import read_trace
from tests.paths import DATA

MOONCAKE = DATA / "mooncake_conversation_trace.jsonl"
NAMED = TraceOptions(columns={"time": "when", "input": "in", "output": "out"})


def lengths(path: Path, options: TraceOptions | None = None) -> list[tuple[float, int, int]]:
    return [(row.at_s, row.input_tokens, row.output_tokens) for row in read_trace(path, options).rows]


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_azure_of_2024_has_offsets_fractions_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = (
        "\ufeffTIMESTAMP,ContextTokens,GeneratedTokens\r\n"
        "2024-05-10 00:00:00.009930+00:00,2162,5\r\n"
        "2024-05-10 02:00:00.017335+02:00,2399,6\r\n"
        "2024-05-10 00:00:01+00:00,76,15\r\n"
    )
    path = written(tmp_path, "azure.csv", content)
    assert lengths(path) == [(0.0, 2162, 5), (0.007405, 2399, 6), (0.99007, 76, 15)]
    read = read_trace(path).read
    assert read is not None
    assert (read.format, read.rows, read.sessions, read.shared_input_share) == ("Azure", 3, None, None)
    assert (read.input_tokens.total, read.output_tokens.max, read.span_s) == (4637, 15, 0.99007)


def test_mooncake_counts_milliseconds_and_names_the_blocks_of_its_prompts(tmp_path: Path) -> None:
    rows = [
        {"timestamp": 500, "input_length": 1030, "output_length": 9, "hash_ids": [0, 1, 2]},
        {"timestamp": 3500, "input_length": 600, "output_length": 4, "hash_ids": [0, 3]},
    ]
    path = written(tmp_path, "mooncake.jsonl", "\n".join(orjson.dumps(row).decode() for row in rows))
    trace = read_trace(path)
    assert lengths(path) == [(0.0, 1030, 9), (3.0, 600, 4)]
    first, second = (row.prefix for row in trace.rows)
    assert (len(first), len(second), trace.block_tokens) == (3, 2, 512)
    assert first[0] == second[0]
    assert len({*first, *second}) == 4
    assert trace.read is not None
    assert trace.read.shared_input_share == pytest.approx(512 / 1630)


def test_bailian_counts_seconds_and_blocks_of_sixteen(tmp_path: Path) -> None:
    row = {"chat_id": 7, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 40, "output_length": 2}
    later = {**row, "timestamp": 62.5, "hash_ids": [1, 2, 3]}
    lines = [{**row, "hash_ids": [1]}, later]
    path = written(tmp_path, "b.jsonl", "\n".join(orjson.dumps(row).decode() for row in lines))
    trace = read_trace(path)
    assert trace.rows[1].at_s == 1.386
    assert (trace.block_tokens, trace.read and trace.read.format) == (16, "Bailian")


@pytest.mark.parametrize("with_sessions", [False, True])
def test_burstgpt_with_and_without_sessions_and_with_failures(tmp_path: Path, with_sessions: bool) -> None:
    session = "Session ID,Elapsed time," if with_sessions else ""
    cells = ["12,3.5,", ",,", "12.0,1,"] if with_sessions else ["", "", ""]
    content = (
        f"Timestamp,{session}Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        f"5,{cells[0]}ChatGPT,472,18,490,Conversation log\n"
        f"45.0,{cells[1]}ChatGPT,1087.0,0,1087,API log\n"
        f"118,{cells[2]}GPT-4,417,276,693,Conversation log\n"
    )
    path = written(tmp_path, "burst.csv", content)
    assert lengths(path) == [(0.0, 472, 18), (40.0, 1087, 0), (113.0, 417, 276)]
    read = read_trace(path).read
    assert read is not None
    assert (read.format, read.rows_without_output) == ("BurstGPT", 1)
    assert read.sessions == (2 if with_sessions else None)


def test_any_columns_by_name_in_csv_jsonl_and_parquet(tmp_path: Path) -> None:
    expected = [(0.0, 10, 1), (1.5, 20, 2)]
    content = "note;out;in;when\nx;1;10;100\ny;2;20;101.5\n"
    csv = written(tmp_path, "mine.txt", content)
    assert lengths(csv, NAMED) == expected
    zipped = tmp_path / "mine.csv.gz"
    zipped.write_bytes(gzip.compress(content.encode()))
    assert lengths(zipped, NAMED) == expected
    lines = '{"when": 100, "in": 10, "out": 1}\n\n{"when": 101.5, "in": 20, "out": 2}\n'
    assert lengths(written(tmp_path, "mine.json", lines), NAMED) == expected
    pq.write_table(pa.table({"when": [100, 101.5], "in": [10, 20], "out": [1, 2]}), tmp_path / "p")
    assert lengths(tmp_path / "p", NAMED) == expected


def test_nested_objects_are_reached_by_dots(tmp_path: Path) -> None:
    row = {"at": "2024-05-10T00:00:00Z", "usage": {"in": 3, "out": 4}}
    path = written(tmp_path, "log.jsonl", orjson.dumps(row).decode())
    options = TraceOptions(columns={"time": "at", "input": "usage.in", "output": "usage.out"})
    assert lengths(path, options) == [(0.0, 3, 4)]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.timestamp("ms"), pa.string()]
)
def test_times_of_parquet_are_exact(tmp_path: Path, kind: pa.DataType) -> None:
    times = [datetime(2024, 5, 10, tzinfo=UTC), datetime(2024, 5, 10, 0, 0, 1, 250_000, tzinfo=UTC)]
    if kind == pa.string():
        times = [str(time) for time in times]  # type: ignore[misc]
    elif kind.tz is None:
        times = [time.replace(tzinfo=None) for time in times]
    table = pa.table({"when": pa.array(times, kind), "in": [1, 2], "out": [3, 4]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert lengths(tmp_path / "t.parquet", NAMED) == [(0.0, 1, 3), (1.25, 2, 4)]


def test_a_column_may_be_named_over_those_of_a_known_format(tmp_path: Path) -> None:
    content = "TIMESTAMP,ContextTokens,GeneratedTokens,who\n2024-05-10 00:00:00,1,2,anna\n"
    [row] = read_trace(written(tmp_path, "a.csv", content), TraceOptions(columns={"session": "who"})).rows
    assert row == TraceRow(0.0, 1, 2, "anna")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"timestamp": 1}\n', "line 1: expected the columns of a known trace (Azure: TIMESTAMP,"),
        ("a.jsonl", "{broken\n", "line 1: is not JSON"),
        ("a.jsonl", "[1, 2]\n", "line 1: expected a JSON object, got [1, 2]"),
        ("a.jsonl", '{"when":1,"in":1,"out":1}\n5\n', "line 2: expected a JSON object, got 5"),
        ("a.jsonl", '{"when":1,"in":1,"out":1}\n{"when":2,"in":1}\n', "line 2, column out: expected a whole"),
        ("a.jsonl", '{"when":true,"in":1,"out":1}\n', "column when: expected a time such as"),
        ("a.jsonl", '{"when":1,"in":1.5,"out":1}\n', "column in: expected a whole number of tokens"),
        ("a.csv", "when,in,out\n1e400,1,1\n", "column when: expected a time"),
        ("a.csv", "when,in,out\nNaN,1,1\n", "column when: expected a time such as"),
        ("a.csv", "when,in,out\n1,nan,1\n", "column in: expected a whole number of tokens"),
        ("a.csv", "when,in,out\n1,1,99999999999\n", "column out: expected a whole number of tokens"),
        ("a.csv", "when,in,in,out\n1,1,1,1\n", "line 1: expected one column 'in', got two"),
        ("a.csv", "when,in,result\n1,1,1\n", "line 1: expected the columns time = 'when', input = "),
        ("a.csv", "when,in,out\n100,1,1\n111,1,1\n100.5,1,1\n", "line 4, column when: expected rows"),
        ("a.gz", "\x1f\x8b", "is not a whole gzip file"),
        ("a.parquet", "PAR1 not really", "is not a Parquet file"),
    ],
)  # fmt: skip
def test_a_file_that_will_not_do_is_one_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_trace(path, NAMED if "TIMESTAMP" not in message else None)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_value_of_parquet_is_named_by_its_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"when": [1, 2], "in": [1, None], "out": [1, 1]}), tmp_path / "p")
    with pytest.raises(InputError, match="p row 2, column in: expected a whole number of tokens"):
        read_trace(tmp_path / "p", NAMED)


@pytest.mark.skipif(not MOONCAKE.exists(), reason="the Mooncake trace is not at hand (../shared/data)")
def test_the_real_mooncake_hour_shares_as_many_tokens_as_published() -> None:
    read = read_trace(MOONCAKE).read
    assert read is not None
    assert (read.rows, read.rows_out_of_order, round(read.span_s)) == (12_031, 0, 3_537)
    assert read.shared_input_share == pytest.approx(0.37, abs=0.02)
