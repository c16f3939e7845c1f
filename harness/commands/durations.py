"""Durations as people write them: `90`, `60s`, `10m`, `1.5h`."""

import re

import typer

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The duration in seconds. Raises typer.BadParameter (exit code 2) with what was expected."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise typer.BadParameter(f"expected a duration such as 60s, 10m or 1h, got {text!r}")
    return float(match[1]) * _UNITS_S[match[2]]
