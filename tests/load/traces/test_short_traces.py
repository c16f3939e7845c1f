"""A trace that ends before the run: the run ends with it, so that rates are those of the trace."""

from pathlib import Path

import pytest

from harness.load.traces.options import TraceOptions, TraceSlice
from harness.load.traces.reading import read_trace
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import make_spec

SCENARIO = """
title = "A trace"
description = "Recorded calls."
engine = "virtual"
duration_s = 600
subjects = ["naive"]
arrivals = { kind = "trace" }
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Eleven rows, one every six seconds."""
    path = tmp_path / "short.csv"
    rows = [f"{6 * n},100,10" for n in range(11)]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n")
    return path


def test_the_run_ends_a_mean_gap_after_the_last_row(tmp_path: Path, trace: Path) -> None:
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    spec = make_spec(RunOptions(scenario=str(tmp_path / "scenario.toml"), trace=trace))
    assert spec.duration_s == pytest.approx(66)
    assert len(spec.plan) / spec.duration_s == pytest.approx(1 / 6)
    assert spec.trace is not None
    assert spec.trace.read is not None
    assert spec.trace.read.rate_per_s == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("duration_s", "options", "ends_s"),
    [
        (60.0, TraceOptions(), None),
        (62.0, TraceOptions(), None),
        (600.0, TraceOptions(speed=2.0), 33.0),
        (600.0, TraceOptions(slice=TraceSlice(from_s=0.0, to_s=30.0)), None),
    ],
    ids=["the trace goes on", "it ends with the run", "twice as fast", "a slice ends where it is said"],
)
def test_only_a_file_that_ends_before_the_run_ends_it(
    trace: Path, duration_s: float, options: TraceOptions, ends_s: float | None
) -> None:
    found = read_trace(trace, options, duration_s=duration_s)
    assert found.ends_s == (None if ends_s is None else pytest.approx(ends_s))


def test_one_row_has_no_rate_and_leaves_the_length(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n0,100,10\n")
    assert read_trace(path, duration_s=600.0).ends_s is None
