"""A machine's calibration judged: which steps can be trusted, and whether a run stayed within them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..record.machine import CalibrationStep, Ladder, MachineCalibration
from ..record.manifest import Manifest
from .offered_load import OfferedLoad

TRUSTED_ERROR_S = 0.025
TRUSTED_SEND_LAG_S = 0.050
"""Above these a step is doubtful, and a run is DEGRADED."""

LADDERS: tuple[Ladder, ...] = ("rate", "in_flight")


@dataclass(frozen=True, slots=True)
class StepLimits:
    """Errors of p1 and p99 on either side of zero, and the send lag's p99."""

    error_s: float = TRUSTED_ERROR_S
    send_lag_s_p99: float = TRUSTED_SEND_LAG_S


def doubt_of(step: CalibrationStep, limits: StepLimits | None = None) -> str | None:
    """The first limit that the step exceeds, in words; None when its measurements can be trusted."""
    limits = limits or StepLimits()
    if not step.calls:
        return "no call was played"
    if step.unanswered:
        return f"{step.unanswered} of {step.calls} calls had no whole answer"
    if step.send_lag_s_p99 is None or step.send_lag_s_p99 > limits.send_lag_s_p99:
        return f"calls were sent {_ms(step.send_lag_s_p99)} late (p99)"
    spreads = (("TTFT", step.ttft), ("ITL", step.itl), ("total", step.total))
    for name, spread in spreads:
        worst_s = spread.worst_s
        if worst_s is None or abs(worst_s) > limits.error_s:
            end = "p1" if worst_s is not None and worst_s < 0 else "p99"
            return f"{name} was wrong by {_ms(worst_s)} ({end})"
    return None


@dataclass(frozen=True, slots=True)
class Highest:
    """The highest trustworthy load of each ladder; open-ended when no step was doubtful."""

    rate_per_s: float
    in_flight: int
    rate_open_ended: bool
    in_flight_open_ended: bool


def highest(steps: Sequence[CalibrationStep]) -> Highest:
    """The highest load below the first doubtful step of each ladder; streams of both ladders count."""
    trusted = {ladder: list(_until_doubt(_of(steps, ladder))) for ladder in LADDERS}
    every = [step for of in trusted.values() for step in of]
    return Highest(
        max((step.busiest_per_s for step in trusted["rate"]), default=0.0),
        max((step.in_flight for step in every), default=0),
        len(trusted["rate"]) == len(_of(steps, "rate")) > 0,
        len(trusted["in_flight"]) == len(_of(steps, "in_flight")) > 0,
    )


def machine_changes(manifest: Manifest) -> tuple[str, ...]:
    """The differences between the machine of the run and the machine as it was calibrated."""
    calibration, machine = manifest.machine_calibration, manifest.machine
    return () if calibration is None or machine is None else machine.changes(calibration.machine)


def beyond(manifest: Manifest, loads: Mapping[str, OfferedLoad]) -> Iterator[tuple[str, str]]:
    """(subject, sentence) of each load above the highest trustworthy one.

    None for a run in virtual time, without a calibration, or on a machine that has changed since.
    """
    calibration = manifest.machine_calibration
    if manifest.engine == "virtual" or calibration is None or machine_changes(manifest):
        return
    for subject, load in loads.items():
        for sentence in _above(calibration, load):
            yield subject, sentence


def _above(calibration: MachineCalibration, load: OfferedLoad) -> Iterator[str]:
    if load.busiest_per_s > calibration.highest_rate_per_s:
        offered = f"{load.busiest_per_s:g} calls/s in the busiest second"
        yield _sentence(offered, f"{calibration.highest_rate_per_s:g}", calibration.rate_open_ended)
    if load.in_flight > calibration.highest_in_flight:
        offered = f"{load.in_flight:,} streams in flight"
        yield _sentence(offered, f"{calibration.highest_in_flight:,}", calibration.in_flight_open_ended)


def _sentence(offered: str, limit: str, open_ended: bool) -> str:
    if open_ended:
        return f"{offered}: this machine was calibrated only up to {limit} (`brownout calibrate --max-rate`)"
    return f"{offered}: this machine's measurements can be trusted up to {limit}"


def _of(steps: Sequence[CalibrationStep], ladder: Ladder) -> list[CalibrationStep]:
    return [step for step in steps if step.ladder == ladder]


def _until_doubt(steps: Sequence[CalibrationStep]) -> Iterator[CalibrationStep]:
    for step in steps:
        if step.doubt is not None:
            return
        yield step


def _ms(value_s: float | None) -> str:
    return "an unknown time" if value_s is None else f"{value_s * 1000:.0f} ms"
