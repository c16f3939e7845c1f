"""A whole calibration: the timer, then both ladders, then the highest load that can be trusted."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reports.analysis.machine import LADDERS, highest
from reports.record.machine import CalibrationStep, MachineCalibration
from reports.record.this_machine import this_machine

from ..load.workload.options import WorkloadOptions, load_workload
from .ladders import Ladders, Step
from .play import Bench
from .timer import measure_timer


def calibrate(plan: Ladders, started_at: datetime, *, quick: bool) -> MachineCalibration:
    """Measure this machine. Raises RunFailed when the provider or the load generator breaks."""
    question = load_workload(WorkloadOptions()).questions[0]
    timer = measure_timer()
    steps: list[CalibrationStep] = []
    with TemporaryDirectory(prefix="brownout-") as folder, closing(Bench(Path(folder), question)) as bench:
        for name, sequence in _sequences(plan, quick=quick).items():
            steps += bench.play(name, sequence)
    top = highest(steps)
    return MachineCalibration(
        measured_at=started_at.astimezone(UTC).isoformat(timespec="seconds"),
        quick=quick,
        machine=this_machine(),
        timer=timer,
        highest_rate_per_s=top.rate_per_s,
        highest_in_flight=top.in_flight,
        rate_open_ended=top.rate_open_ended,
        in_flight_open_ended=top.in_flight_open_ended,
        steps=tuple(steps),
    )


def _sequences(plan: Ladders, *, quick: bool) -> dict[str, tuple[Step, ...]]:
    """The steps that one load generator plays in a row: a ladder, or to save a start both of them."""
    if quick:
        return {"both": tuple(step for ladder in LADDERS for step in plan.steps(ladder))}
    return {ladder: plan.steps(ladder) for ladder in LADDERS}
