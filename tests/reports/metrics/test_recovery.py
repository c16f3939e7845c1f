"""How long until all is as before, on calls whose bins can be counted by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.metrics import MetricOptions, facts_of, plain, subject_metrics
from reports.metrics.measures import Plain
from tests.reports.synthetic import call, failed_call, run_of

OUTAGE = {"kind": "outage", "provider": "openai", "from_s": 10.0, "to_s": 20.0}


def calls_in(second: int, answered: int, of: int) -> list[dict[str, Any]]:
    """So many calls evenly over one second, the first of them answered."""
    return [
        (call if n < answered else failed_call)(f"s{second}n{n}", planned_s=second + n / of)
        for n in range(of)
    ]


def recovery_s(
    path: Path,
    seconds: Sequence[tuple[int, int, int]],
    faults: Sequence[dict[str, Any]] = (OUTAGE,),
    options: MetricOptions | None = None,
) -> Plain:
    rows = [row for second in seconds for row in calls_in(*second)]
    run = run_of(path, rows, faults=list(faults))
    return plain(subject_metrics(facts_of(run, "full", options))["recovery_s"])


BEFORE = (5, 20, 20)
DURING = (15, 0, 20)


def test_recovery_runs_from_the_end_of_the_fault_to_the_first_second_that_is_as_before(
    tmp_path: Path,
) -> None:
    seconds = [BEFORE, DURING, (20, 0, 20), (21, 5, 20), (22, 20, 20), (23, 20, 20)]
    assert recovery_s(tmp_path, seconds) == 2.0


def test_a_relapse_is_no_recovery(tmp_path: Path) -> None:
    seconds = [BEFORE, DURING, (20, 0, 20), (21, 20, 20), (22, 20, 20), (23, 10, 20), (24, 20, 20)]
    assert recovery_s(tmp_path, seconds) == 4.0


def test_a_subject_that_the_fault_did_not_change_recovers_at_once(tmp_path: Path) -> None:
    assert recovery_s(tmp_path, [BEFORE, (15, 20, 20), (20, 20, 20), (21, 20, 20)]) == 0.0


def test_one_that_stays_down_never_recovers(tmp_path: Path) -> None:
    assert recovery_s(tmp_path, [BEFORE, DURING, (20, 20, 20), (21, 3, 20)]) == float("inf")


def test_the_level_is_that_before_the_fault_not_perfection(tmp_path: Path) -> None:
    seconds = [(5, 12, 20), DURING, (20, 0, 20), (21, 12, 20), (22, 11, 20), (23, 13, 20)]
    assert recovery_s(tmp_path, seconds) == 1.0


def test_a_little_less_than_before_is_back_and_ten_points_less_is_not(tmp_path: Path) -> None:
    almost = [BEFORE, DURING, (20, 17, 20), (21, 19, 20)]
    assert recovery_s(tmp_path / "a", almost) == 1.0
    assert recovery_s(tmp_path / "b", almost, options=MetricOptions(recovery_within=0.2)) == 0.0
    assert recovery_s(tmp_path / "c", almost, options=MetricOptions(recovery_within=0.04)) == float("inf")


def test_few_calls_are_looked_at_in_wider_bins(tmp_path: Path) -> None:
    """Four calls a second: 20 of them take 5 s, and the failures of 21 s make the first of these bins bad."""
    after = [(second, 4, 4) for second in range(20, 40)]
    after[1] = (21, 0, 4)
    assert recovery_s(tmp_path, [BEFORE, DURING, *after]) == 5.0


def test_the_last_of_several_faults_counts_and_the_level_is_that_before_the_first(tmp_path: Path) -> None:
    later = {"kind": "brownout", "provider": "openai", "from_s": 21.0, "to_s": 23.0}
    seconds = [BEFORE, DURING, (20, 0, 20), (22, 0, 20), (23, 0, 20), (24, 20, 20), (25, 20, 20)]
    assert recovery_s(tmp_path, seconds, (OUTAGE, later)) == 1.0


def test_without_a_fault_that_ends_there_is_nothing_to_recover_from(tmp_path: Path) -> None:
    seconds = [BEFORE, DURING, (20, 20, 20)]
    assert recovery_s(tmp_path / "a", seconds, ()) is None
    assert recovery_s(tmp_path / "b", seconds, (OUTAGE, {"kind": "reset", "from_s": 0.0})) is None


def test_without_calls_before_or_after_nobody_measured_a_recovery(tmp_path: Path) -> None:
    assert recovery_s(tmp_path / "a", [DURING, (20, 20, 20)]) is None
    assert recovery_s(tmp_path / "b", [BEFORE, DURING]) is None
