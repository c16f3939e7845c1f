"""Calendar periods of budgets: the minute, hour, day or month (UTC) of a moment."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple

Period = Literal["minute", "hour", "day", "month"]

SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


class Span(NamedTuple):
    """One period: its number, increasing in time, and the Unix time of its end."""

    number: int
    ends_s: float


def span_of(period: Period, unix_s: float) -> Span:
    """The period that contains a Unix time."""
    if period != "month":
        length = SECONDS[period]
        number = int(unix_s // length)
        return Span(number, (number + 1) * length)
    today = datetime.fromtimestamp(unix_s, UTC)
    number = today.year * 12 + today.month - 1
    year, month = divmod(number + 1, 12)
    return Span(number, datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
