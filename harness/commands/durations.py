"""Durations on the command line: `90`, `60s`, `10m`, `1.5h`."""

import typer

from harness.stack.config.durations import seconds_of

LONGEST_S = 7 * 86_400


def seconds(text: str) -> float:
    """The duration in seconds. Raises typer.BadParameter (exit code 2) unless it is longer than 0 and at most
    a week."""
    try:
        length_s = seconds_of(text.strip())
    except ValueError:
        length_s = 0.0
    if not 0.0 < length_s <= LONGEST_S:
        raise typer.BadParameter(f"expected a duration such as 60s, 10m or 1h, at most 168h, got {text!r}")
    return length_s
