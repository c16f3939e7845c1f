"""A run of failures is an alarm only where chance does not explain it."""

import numpy as np
import pytest

from reports.stats.cusum import last_alarm


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("calls", [20, 500])
def test_false_alarms_are_as_rare_as_asked_for(rate: float, calls: int) -> None:
    """At the expected rate itself, the worst case: 5 % asked for, over 400 sequences (at most 34 with a
    probability of 0.999)."""
    rng = np.random.default_rng([calls, int(rate * 100)])
    alarms = sum(last_alarm(rng.random(calls) < rate, rate, 0.05) is not None for _ in range(400))
    assert alarms <= 34


def test_the_last_failure_of_a_run_is_found() -> None:
    answered = np.ones(300, dtype=bool)
    answered[100:120] = False
    answered[200] = False
    assert last_alarm(answered, 0.9, 0.01) == 119


def test_two_runs_of_failures_are_two_and_the_last_counts() -> None:
    answered = np.ones(400, dtype=bool)
    answered[:20] = answered[300:320] = False
    assert last_alarm(answered, 0.9, 0.01) == 319


def test_without_calls_or_without_an_expected_success_there_is_no_alarm() -> None:
    assert last_alarm(np.zeros(0, dtype=bool), 0.9, 0.01) is None
    assert last_alarm(np.zeros(50, dtype=bool), 0.0, 0.01) is None
