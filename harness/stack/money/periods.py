"""Calendar periods of budgets. Minutes and hours are those of UTC, days and months begin at local midnight.

A local day has 23 or 25 hours when daylight saving begins or ends. Where midnight is skipped, the day begins
at the first moment of its date; where the clock returns to the date before, at its first midnight.
"""

from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

Period = Literal["minute", "hour", "day", "month"]

SECONDS = {"minute": 60, "hour": 3_600}


class Span(NamedTuple):
    """One period: Unix times of its beginning, by which it is named, and of its end."""

    begins_s: int
    ends_s: int


def time_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, a folder such as "Europe"
        raise ValueError('expected the name of a time zone, such as "Europe/Berlin"') from None


def _known(name: str) -> str:
    time_zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known)]


def span_of(period: Period, unix_s: float, zone: tzinfo) -> Span:
    """The period that contains a Unix time; `zone` is that of its days and months."""
    if period in ("minute", "hour"):
        length = SECONDS[period]
        begins_s = int(unix_s // length) * length
        return Span(begins_s, begins_s + length)
    today = datetime.fromtimestamp(unix_s, zone).date()
    tomorrow = today + timedelta(days=1)
    if _midnight(tomorrow, zone) <= unix_s:  # the clock returned to the day before
        today = tomorrow
    first = today if period == "day" else today.replace(day=1)
    return Span(_midnight(first, zone), _midnight(_next(period, first), zone))


def _next(period: Period, first: date) -> date:
    if period == "day":
        return first + timedelta(days=1)
    return (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: tzinfo) -> int:
    """The Unix time at which a date begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
