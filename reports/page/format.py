"""Numbers formatted for readers: few digits, never rounded to certainty, each with its unit."""

import math
from collections.abc import Sequence

from ..metrics.basis.registry import Unit

MISSING = "–"
INFINITE = "∞"
_MINUS = "−"


def number(value: float | None, unit: Unit, like: Sequence[float | None] = ()) -> str:
    """A value with its unit. `like` are its neighbours in a row: seconds then share one scale.

    None (unmeasured) is "–". A share is never rounded to 100 % or 0 % unless it is that.
    """
    if value is None:
        return MISSING
    if math.isinf(value):
        return INFINITE
    if unit == "share":
        return share(value)
    if unit == "s":
        return seconds(value, like)
    if unit == "usd":
        return usd(value)
    if unit == "count":
        return f"{value:,.0f}"
    return f"{value:,.2f}" + ("/s" if unit == "per_s" else "")


def share(value: float) -> str:
    """0.9996 -> "99.96 %"."""
    return f"{percent(value)} %"


def percent(value: float) -> str:
    """0.9996 -> "99.96": as many digits as it takes not to claim all or nothing."""
    for digits in range(1, 6):
        text = f"{value * 100:.{digits}f}"
        if value in (0.0, 1.0):
            return text[: -digits - 1]
        if float(text) not in (0.0, 100.0):
            return text
    return text


def seconds(value: float, like: Sequence[float | None] = ()) -> str:
    """ "412 ms" while everything in the row is below a second, else "1.53 s"."""
    finite = [abs(other) for other in (value, *like) if other is not None and math.isfinite(other)]
    if max(finite) == 0:
        return "0 s"
    if max(finite) >= 0.9995:
        return f"{value:,.2f} s" if max(finite) < 100 else f"{value:,.1f} s"
    if max(finite) < 0.0095:
        return f"{value * 1000:.2f} ms"
    return f"{value * 1000:.0f} ms" if max(finite) >= 0.0995 else f"{value * 1000:.1f} ms"


def usd(value: float) -> str:
    """Three significant digits at least, cents from a dollar up, nano-dollars when that small."""
    sign, size = (_MINUS if value < 0 else ""), abs(value)
    if size == 0:
        return "$0"
    if size >= 1:
        return f"{sign}${size:,.2f}"
    digits = min(2 - math.floor(math.log10(size)), 9)
    return f"{sign}${size:.{digits}f}"


def signed(text: str, value: float) -> str:
    """A formatted size with its sign in front: "+120 ms"."""
    return f"{_MINUS if value < 0 else '+'}{text}" if value else text


def interval(
    ends: Sequence[float | None] | None, unit: Unit, like: Sequence[float | None] = ()
) -> str | None:
    """A 95 % interval without repeating its unit: "62.2–69.8 %"; "≥ 1.02 s" where one end is not bounded."""
    if ends is None or list(ends) == [None, None]:
        return None
    low, high = ends
    scale = (*like, low, high)
    if low is None or high is None:
        return f"≥ {number(low, unit, scale)}" if high is None else f"≤ {number(high, unit, scale)}"
    first, second = number(low, unit, scale), number(high, unit, scale)
    if unit in ("share", "s"):
        first = first.split(" ")[0]
    return f"{first}–{second}"


def joined(items: Sequence[str], last: str = "and") -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def article(number: str) -> str:
    """ "a" or "an", for a number read aloud: an 8 s outage, an 11 s one, an 80 s one."""
    return "an" if number.startswith("8") or number.split(".", maxsplit=1)[0] in ("11", "18") else "a"
