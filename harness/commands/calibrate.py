"""`brownout calibrate`: up to which load this machine's measurements can be trusted."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reports.record.machine import CalibrationStep, MachineCalibration

COLUMNS = ("calls/s", "in flight", "TTFT error", "ITL error", "total error", "send lag", "trusted")


def calibrate(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer, shorter steps: about 15 s, not 75.")] = False,
    max_rate: Annotated[
        float, typer.Option(min=1, max=5_000, help="Calls per second of the highest step.")
    ] = 100.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on standard output and nothing else.")
    ] = False,
) -> None:
    """Measure up to which load this machine's measurements can be trusted.

    The load generator of `brownout run` plays calls at rising rates, then with rising numbers of streams in
    flight, against a mock provider whose every latency is known (profile `steady`), without a stack between
    them. Errors of TTFT, ITL and total are measured minus known: p1, p50, p99, so on both sides of zero. A
    step is trusted while they stay within 25 ms and calls leave within 50 ms of their planned time.

    The result is kept in `$BROWNOUT_CALIBRATION`, or in `brownout/calibration.json` in `$XDG_CACHE_HOME`
    (default: `~/.cache`). Each later run on real sockets cites it; a run above the highest trusted load is
    DEGRADED, and the report warns when the machine has changed since. Runs in virtual time need none.

    Exit code 0: kept. 1: a process broke, or not even the lowest step can be trusted. 2: bad input.

    Examples:

        brownout calibrate

        brownout calibrate --quick --max-rate 40
    """
    from harness.calibration.calibrate import calibrate as measure
    from harness.calibration.kept import calibration_file, check_writable, keep
    from harness.calibration.ladders import ladders

    path = calibration_file(os.environ)
    check_writable(path)
    started_at = datetime.now(UTC)  # noqa: TID251  # calendar time: the report says when this was measured
    plan = ladders(max_rate, quick=quick)
    if not as_json:
        typer.echo(f"calibrating, about {15 if quick else 75} s …", err=True)
    found = measure(plan, started_at, quick=quick)
    keep(found, path)
    _print(found, str(path), as_json=as_json)
    if not found.highest_rate_per_s:
        raise typer.Exit(1)


def _print(found: "MachineCalibration", path: str, *, as_json: bool) -> None:
    from rich.text import Text

    from .encoding import write_json
    from .terminal import plain_table, print_line, terminal

    if as_json:
        write_json(found.model_dump_json(indent=2) + "\n")
        return
    console = terminal()
    table = plain_table("Errors: p1 / p50 / p99", list(COLUMNS))
    for step in found.steps:
        table.add_row(step.ladder.replace("_", " "), *map(Text, _cells(step)))
    console.print(table)
    for line in _conclusion(found):
        print_line(console, line)
    print_line(console, f"kept: {path}")


def _cells(step: "CalibrationStep") -> tuple[str, ...]:
    from reports.page.machine import spread_text, spreads

    lag_s = step.send_lag_s_p99
    return (
        f"{step.busiest_per_s:g}",
        f"{step.in_flight:,}",
        *(spread_text(spread) for _, spread in spreads(step)),
        "–" if lag_s is None else f"{lag_s * 1000:.1f} ms",
        step.doubt or "yes",
    )


def _conclusion(found: "MachineCalibration") -> list[str]:
    from reports.page.machine import timer_text, trusted_text

    return [f"this machine can be trusted {trusted_text(found)}", f"timer: {timer_text(found.timer)}"]
