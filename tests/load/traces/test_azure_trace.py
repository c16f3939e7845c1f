"""Reading the Azure LLM trace: exact times and lengths, and one line that says what is wrong."""

from itertools import pairwise
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.load.trace import TraceRow
from harness.load.traces.reading import read_trace
from tests.paths import DATA

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
GOOD = "2023-11-16 18:15:46.6805900,374,44\n"
REAL = DATA / "AzureLLMInferenceTrace_conv.csv"


def written(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_rows_count_seconds_from_the_first_call_to_the_seventh_digit(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + GOOD + "2023-11-16 18:15:50.9951693,396,109\n2023-11-17 18:15:47,1,2\n")
    trace = read_trace(path)
    assert trace.name == "trace.csv"
    assert trace.rows == (
        TraceRow(0.0, 374, 44),
        TraceRow(4.3145793, 396, 109),
        TraceRow(86_400.31941, 1, 2),
    )


def test_rows_out_of_order_are_sorted_and_ties_keep_their_order(tmp_path: Path) -> None:
    late, early, tie = "2023-11-16 10:00:01,9,9\n", "2023-11-16 10:00:00,2,2\n", "2023-11-16 10:00:01,3,3\n"
    rows = read_trace(written(tmp_path, HEADER + late + early + tie)).rows
    assert rows == (TraceRow(0.0, 2, 2), TraceRow(1.0, 9, 9), TraceRow(1.0, 3, 3))


def test_windows_line_ends_and_blank_lines_are_read(tmp_path: Path) -> None:
    text = (HEADER + GOOD + "\n" + GOOD).replace("\n", "\r\n").removesuffix("\r\n")
    assert len(read_trace(written(tmp_path, text)).rows) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns of a known trace (Azure: TIMESTAMP, ContextTokens, "),
        ("time,in,out\n1,2,3\n", "got 'time,in,out'"),
        (HEADER, "expected at least one row, got none"),
        (HEADER + GOOD + "2023-11-16 18:15:46,1\n", "line 3: expected 3 columns, got 2"),
        (HEADER + "16.11.2023 18:15:46,1,1\n", "line 2, column TIMESTAMP: expected a time such as"),
        (HEADER + "2023-02-30 18:15:46,1,1\n", "line 2, column TIMESTAMP: expected a time that exists"),
        (HEADER + GOOD + "2023-11-16 18:15:46,x,1\n", "line 3, column ContextTokens: expected a whole"),
        (HEADER + "2023-11-16 18:15:46,1,-4\n", "line 2, column GeneratedTokens: expected a whole"),
        (HEADER + "2023-11-16 18:15:46,1,4.5\n", "whole number of tokens, 0 to 10,000,000, got '4.5'"),
        (HEADER + '2023-11-16 18:15:46,"1\n2",4\n', r"whole number of tokens, 0 to 10,000,000, got '1\n2'"),
        ("\udcff\udcfe", "is not text in UTF-8 or not CSV; expected a trace"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line_with_the_file_the_place_and_what_was_expected(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"absent\.csv: cannot be read \(No such file or directory\); expected"
    ):
        read_trace(tmp_path / "absent.csv")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\); expected"):
        read_trace(tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason="the public Azure trace is not at hand (../shared/data)")
def test_the_real_hour_has_its_published_size_and_lengths() -> None:
    rows = read_trace(REAL).rows
    assert len(rows) == 19_366
    assert sum(row.output_tokens for row in rows) == 4_088_665
    assert round(sum(row.output_tokens for row in rows) / len(rows)) == 211
    assert round(sum(row.input_tokens for row in rows) / len(rows)) == 1_155
    assert round(rows[-1].at_s) == 3_502
    assert sorted(row.input_tokens for row in rows)[len(rows) // 2] == 1_020
    assert all(a.at_s <= b.at_s for a, b in pairwise(rows))
