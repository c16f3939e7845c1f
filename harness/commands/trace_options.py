"""The `--trace-…` options of `brownout run`."""

import typer

from harness.errors import InputError
from harness.load.traces.options import ROLES, Role, TimeUnit, TraceOverrides, TraceSlice
from harness.stack.config.durations import seconds_of


def time_range(text: str) -> TraceSlice:
    """`10m..20m`, `1h..` or `..60s`. Raises typer.BadParameter (exit code 2) for anything else."""
    first, dots, last = text.strip().partition("..")
    try:
        from_s = seconds_of(first) if first else 0.0
        to_s = seconds_of(last) if last else None
        if not dots or (to_s is not None and to_s <= from_s):
            raise ValueError(text)
        return TraceSlice(from_s=from_s, to_s=to_s)
    except ValueError as error:
        raise typer.BadParameter(f"expected a range such as 10m..20m or 1h.., got {text!r}") from error


def trace_overrides(
    columns: list[str],
    time_unit: TimeUnit | None,
    part: TraceSlice | None,
    speed: float | None,
    scale: float | None,
) -> TraceOverrides:
    """The options as one value. Raises InputError that names the option."""
    for option, factor in (("--trace-speed", speed), ("--trace-scale", scale)):
        if factor is not None and not 0 < factor <= 10_000:
            raise InputError(f"{option}: expected a number above 0, up to 10,000, got {factor:g}")
    named: dict[Role, str] = {}
    for text in columns:
        role, _, name = text.partition("=")
        if role not in ROLES or not name:
            raise InputError(f"--trace-column {text}: expected USE=NAME with USE one of {', '.join(ROLES)}")
        named[role] = name
    return TraceOverrides(columns=named, time_unit=time_unit, slice=part, speed=speed, scale=scale)
