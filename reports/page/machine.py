"""The machine's calibration in words, for page and terminal."""

from ..analysis.machine import machine_changes
from ..record.machine import CalibrationStep, ErrorSpread, MachineCalibration, Timer
from ..record.manifest import Manifest

CALIBRATE = "`brownout calibrate`"


def calibration_sentence(manifest: Manifest) -> str:
    """One sentence: the load up to which this machine can be trusted, or why that is not known."""
    calibration = manifest.machine_calibration
    if manifest.engine == "virtual":
        return "Virtual time has no clock error and no load limit: no calibration is needed."
    if calibration is None:
        return f"This machine was not calibrated: {CALIBRATE} measures up to which load it can be trusted."
    changes = machine_changes(manifest)
    day = calibration.measured_at[:10]
    if changes:
        listed = ", ".join(changes)
        return f"This machine has changed since its calibration of {day} ({listed}): repeat {CALIBRATE}."
    return f"By its calibration of {day} this machine can be trusted {trusted_text(calibration)}."


def trusted_text(calibration: MachineCalibration) -> str:
    """ "up to 80 calls/s and 320 streams in flight" """
    if not calibration.highest_rate_per_s:
        return "at no load"
    ends = (calibration.rate_open_ended, calibration.in_flight_open_ended)
    rate, in_flight = calibration.highest_rate_per_s, calibration.highest_in_flight
    tried = " (higher was not tried)" if all(ends) else ""
    return f"up to {rate:g} calls/s and {in_flight:,} streams in flight{tried}"


def timer_text(timer: Timer) -> str:
    """The clock's smallest step, and how late a sleep ends."""
    step_us, late_ms = timer.resolution_s * 1e6, timer.sleep_late_s_p99 * 1e3
    return f"resolution {step_us:.2g} µs; a sleep of 1 ms ends {late_ms:.2g} ms late (p99)"


def calibration_lines(manifest: Manifest) -> list[tuple[str, str]]:
    """(label, value) of the errors at the highest trustworthy load, and of the timer; empty without any."""
    calibration = manifest.machine_calibration
    if calibration is None or manifest.engine == "virtual":
        return []
    lines = []
    if (step := calibration.at_highest) is not None:
        load = f"at {step.busiest_per_s:g} calls/s and {step.in_flight:,} streams in flight"
        lines = [(f"{name} error, p1 / p50 / p99", f"{spread_text(of)} {load}") for name, of in spreads(step)]
    return [*lines, ("Timer", timer_text(calibration.timer))]


def spreads(step: CalibrationStep) -> list[tuple[str, ErrorSpread]]:
    """The errors of a step with their names."""
    return [("TTFT", step.ttft), ("ITL", step.itl), ("Total", step.total)]


def spread_text(spread: ErrorSpread) -> str:
    """ "-0.2 / +1.4 / +3.0 ms"; "–" where nothing was measured."""
    ends = (spread.p01_s, spread.p50_s, spread.p99_s)
    if any(end is None for end in ends):
        return "–"
    return " / ".join(f"{1000 * (end or 0.0):+.1f}" for end in ends) + " ms"
