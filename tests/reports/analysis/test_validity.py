from typing import Any

import pytest

from reports.analysis.subject import SubjectSummary
from reports.analysis.validity import Validity, judge_validity
from reports.record.manifest import Calibration, Manifest

GOOD: dict[str, Any] = {
    "calls": 1000,
    "success_rate": 1.0,
    "send_lag_s_p99": 0.004,
    "late_starts": 0,
    "dropped_arrivals": 0,
    "cache_hit_rate": None,
}
MANIFEST: dict[str, Any] = {
    "scenario": "outage",
    "subjects": [{"name": "full"}],
    "engine": "locust",
    "status": "complete",
    "status_reason": None,
    "generator": {"full": {"cpu_percent_max": 40.0}},
}
CLOCK: dict[str, Any] = {"ttft_error_s_p50": 0.001, "ttft_error_s_p99": 0.004, "n": 900}


def judged(manifest: Any = None, metrics: Any = None, clock: Any = None) -> Validity:
    return judge_validity(
        Manifest.model_validate({**MANIFEST, **(manifest or {})}),
        {
            "full": SubjectSummary(
                "full",
                {**GOOD, **(metrics or {})},
                calibration=Calibration(**{**CLOCK, **(clock or {})}),
            )
        },
    )


def test_a_punctual_complete_run_is_valid() -> None:
    assert judged() == Validity("VALID", ())


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"metrics": {"send_lag_s_p99": 0.051}}, "DEGRADED", "send lag p99 is 51 ms"),
        ({"metrics": {"send_lag_s_p99": 0.6}}, "INVALID", "send lag p99 is 600 ms"),
        ({"metrics": {"late_starts": 11}}, "DEGRADED", "11 of 1000 calls started late"),
        ({"metrics": {"late_starts": 101}}, "INVALID", "101 of 1000 calls started late"),
        ({"metrics": {"dropped_arrivals": 1}}, "DEGRADED", "dropped 1 of 1001 planned calls"),
        ({"metrics": {"dropped_arrivals": 100}}, "INVALID", "dropped 100 of 1100 planned calls"),
        ({"metrics": {"calls": 0}}, "INVALID", "vacuous"),
        ({"manifest": {"generator": {"full": {"cpu_percent_max": 85.0}}}}, "DEGRADED", "short of CPU: 85 %"),
        ({"manifest": {"generator": {"full": {"cpu_percent_max": 99.0}}}}, "INVALID", "short of CPU: 99 %"),
        ({"manifest": {"generator": {}}}, "DEGRADED", "the load generator's CPU was not measured"),
        ({"manifest": {"status": "partial", "status_reason": "Ctrl-C"}}, "DEGRADED", "partial run: Ctrl-C"),
        ({"clock": {"ttft_error_s_p99": 0.03}}, "DEGRADED", "by 30 ms at p99"),
        ({"clock": {"ttft_error_s_p99": 0.3}}, "INVALID", "by 300 ms at p99"),
        ({"clock": {"ttft_error_s_p01": -0.03}}, "DEGRADED", "by -30 ms at p1"),
        ({"clock": {"ttft_error_s_p01": -0.3}}, "INVALID", "before the provider sent it"),
        ({"clock": {"ttft_error_s_p99": None, "n": 0}}, "DEGRADED", "could not be checked"),
    ],
)
def test_each_threshold_gives_its_verdict_and_its_reason(
    change: dict[str, Any], verdict: str, reason: str
) -> None:
    found = judged(**change)
    assert found.verdict == verdict
    assert len(found.reasons) == 1
    assert found.reasons[0].level == verdict
    assert reason in found.reasons[0].text


def test_the_worst_reason_decides_and_comes_first() -> None:
    found = judged({"status": "partial"}, {"dropped_arrivals": 500})
    assert [reason.level for reason in found.reasons] == ["INVALID", "DEGRADED"]
    assert found.verdict == "INVALID"


def test_virtual_time_has_no_generator_and_no_clock_to_doubt() -> None:
    assert judged({"engine": "virtual", "generator": {}}, clock={"ttft_error_s_p99": None}).verdict == "VALID"


def test_a_clock_nobody_could_check_is_no_fault_of_a_run_without_provider_answers() -> None:
    unchecked = {"ttft_error_s_p99": None, "n": 0}
    assert judged(metrics={"success_rate": 0.0}, clock=unchecked).verdict == "VALID"
    assert judged(metrics={"cache_hit_rate": 1.0}, clock=unchecked).verdict == "VALID"
