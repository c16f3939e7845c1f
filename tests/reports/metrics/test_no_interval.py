"""Where an interval cannot be had there is none, and a reason: in the summary and in the table."""

from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import summarise
from reports.page.table import kpi_rows
from tests.reports.synthetic import call, failed_call, run_of


def replays(n: int) -> list[dict[str, Any]]:
    again = [call(f"c{k}", n=k, question_id="q", cache="exact", cached_from="c0") for k in range(1, n)]
    return [call("c0", n=0, question_id="q", cache="miss"), *again]


@pytest.mark.parametrize(
    ("calls", "metric", "why"),
    [
        (
            [call(f"c{n}", n=n, session="s", first_s=1.2 + n / 50) for n in range(30)],
            "ttft_s_p50",
            "all calls are of one session",
        ),
        (replays(20), "quality_rate", "all calls got one answer"),
        (
            [call(f"c{n}", n=n, question_id="q", answer_right=n > 3) for n in range(20)],
            "quality_rate",
            "all calls asked one question",
        ),
        ([call("c0"), failed_call("c1", n=1)], "ttft_s_p95_adjusted", "too many calls never ended"),
        ([call("c0")], "ttft_s_p50", "too few calls"),
    ],
    ids=["one session", "one answer", "one question", "failures as infinite", "one call"],
)
def test_there_is_no_interval_but_a_reason(
    tmp_path: Path, calls: list[dict[str, Any]], metric: str, why: str
) -> None:
    summary = summarise(run_of(tmp_path, calls))
    found = summary.as_json()
    assert metric not in found["intervals"]["full"] or found["intervals"]["full"][metric] == [None, None]
    assert found["no_interval"]["full"][metric] == why
    [row] = [row for row in kpi_rows(summary) if row.metric == metric]
    assert (row.cells[0].interval, row.cells[0].why) == (None, why)
