"""How long until all is as before: a loss that chance does not explain, and no other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.metrics import MetricOptions, facts_of, plain, recovery, subject_metrics
from reports.metrics.basis.measures import Plain
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


BEFORE = (5, 100, 100)
DURING = (15, 0, 20)


def test_recovery_runs_from_the_end_of_the_fault_to_the_first_call_that_is_as_before(tmp_path: Path) -> None:
    seconds = [BEFORE, DURING, (20, 0, 20), (21, 0, 20), (22, 20, 20), (23, 20, 20)]
    assert recovery_s(tmp_path, seconds) == 2.0


def test_a_relapse_is_no_recovery(tmp_path: Path) -> None:
    seconds = [BEFORE, DURING, (20, 0, 20), (21, 20, 20), (22, 20, 20), (23, 0, 20), (24, 20, 20)]
    assert recovery_s(tmp_path, seconds) == 4.0


def test_a_subject_that_the_fault_did_not_change_recovers_at_once(tmp_path: Path) -> None:
    assert recovery_s(tmp_path, [BEFORE, (15, 20, 20), (20, 20, 20), (21, 20, 20)]) == 0.0


def test_one_that_stays_down_never_recovers(tmp_path: Path) -> None:
    assert recovery_s(tmp_path, [BEFORE, DURING, (20, 20, 20), (21, 3, 20)]) == float("inf")


def test_the_level_is_that_before_the_fault_not_perfection(tmp_path: Path) -> None:
    seconds = [(5, 60, 100), DURING, (20, 0, 20), (21, 12, 20), (22, 11, 20), (23, 13, 20)]
    assert recovery_s(tmp_path, seconds) == 1.0


def test_a_loss_within_the_tolerance_is_none(tmp_path: Path) -> None:
    almost = [BEFORE, DURING, *((20 + second, 14, 20) for second in range(5))]
    assert recovery_s(tmp_path / "a", almost) == float("inf")
    assert recovery_s(tmp_path / "b", almost, options=MetricOptions(recovery_within=0.5)) == 0.0


@pytest.mark.parametrize("failing", [0.01, 0.05, 0.2, 0.5])
def test_a_client_that_fails_at_random_and_ignores_the_fault_recovers_at_once(
    tmp_path: Path, failing: float
) -> None:
    for seed in range(3):
        luck = np.random.default_rng([seed, int(1000 * failing)]).random(900)
        rows = [
            (failed_call if draw < failing else call)(f"c{n}", planned_s=n / 20)
            for n, draw in enumerate(luck)
        ]
        run = run_of(tmp_path / str(seed), rows, faults=[OUTAGE])
        assert plain(recovery.recovery_s(facts_of(run, "full"))) == 0.0, seed


@pytest.mark.parametrize("rate_per_s", [4, 20, 100])
def test_a_real_loss_is_found_to_the_call_at_any_rate(tmp_path: Path, rate_per_s: int) -> None:
    """5 % fail at random; besides, all calls fail until 6 s after the fault's end."""
    luck = np.random.default_rng(rate_per_s).random(45 * rate_per_s)
    rows = []
    for n, draw in enumerate(luck):
        at_s = n / rate_per_s
        bad = draw < 0.05 or 10.0 <= at_s < 26.0
        rows.append((failed_call if bad else call)(f"c{n}", planned_s=at_s))
    found = recovery.recovery_s(facts_of(run_of(tmp_path, rows, faults=[OUTAGE]), "full"))
    assert found is not None
    assert 6.0 <= found <= 6.0 + 4 / rate_per_s


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
