"""Durations as people write them: "24h", "90 s", "90", 30."""

import re

UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def seconds_of(length: float | str) -> float:
    """Seconds of a number, or of a text: a number with a unit s, m, h or d (none: s). Raises `ValueError`."""
    if isinstance(length, int | float):
        return float(length)
    written = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smhd]?)", length)
    if written is None:
        raise ValueError(f'expected a duration such as "24h", got {length!r}')
    return float(written[1]) * UNITS[written[2] or "s"]
