"""Durations as OpenAI's rate limit headers and messages show them: in Go's format."""

import math


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, rounded up to a millisecond: `0s`, `12ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    ms = math.ceil(seconds * 1000 - 1e-6)
    if ms <= 0:
        return "0s"
    if ms < 1000:
        return f"{ms}ms"
    whole, rest = divmod(ms, 60_000)
    hours, minutes = divmod(whole, 60)
    shown = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not whole:
        return shown
    return f"{hours}h{minutes}m{shown}" if hours else f"{minutes}m{shown}"
