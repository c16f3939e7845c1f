"""Hand-made machines and calibrations."""

from typing import Any

from reports.record.machine import CalibrationStep, ErrorSpread, Machine, MachineCalibration, Timer

GOOD = ErrorSpread(p01_s=-0.001, p50_s=0.002, p99_s=0.006, n=100)


def machine(**changed: Any) -> Machine:
    """A machine with two CPUs."""
    versions = {"brownout": "0.1.0", "locust": "2.47.0", "gevent": "26.5.0"}
    facts = {
        "cpu_model": "A CPU",
        "cpus": 2,
        "kernel": "Linux 6.1.0",
        "python": "3.12.3",
        "versions": versions,
    }
    return Machine.model_validate(facts | changed)


def step(**changed: Any) -> CalibrationStep:
    """A trustworthy step of ten calls a second."""
    facts: dict[str, Any] = {
        "ladder": "rate",
        "busiest_per_s": 10.0,
        "in_flight": 4,
        "calls": 20,
        "unanswered": 0,
        "send_lag_s_p99": 0.002,
        "provider_late_s_p99": 0.003,
        "ttft": GOOD,
        "itl": GOOD,
        "total": GOOD,
    }
    return CalibrationStep.model_validate(facts | changed)


def calibration(**changed: Any) -> MachineCalibration:
    """A calibration of that machine: to be trusted up to 40 calls/s and 100 streams."""
    facts: dict[str, Any] = {
        "measured_at": "2026-01-02T03:04:05+00:00",
        "quick": False,
        "machine": machine(),
        "timer": Timer(resolution_s=1e-7, sleep_late_s_p50=1e-4, sleep_late_s_p99=2e-4),
        "highest_rate_per_s": 40.0,
        "highest_in_flight": 100,
        "rate_open_ended": False,
        "in_flight_open_ended": False,
        "steps": (step(busiest_per_s=40.0, in_flight=16),),
    }
    return MachineCalibration.model_validate(facts | changed)
