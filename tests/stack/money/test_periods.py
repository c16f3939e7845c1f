"""Days and months of budgets begin at local midnight, through every change of the clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.errors import Rejected
from harness.stack.money.periods import Period, span_of
from tests.lab.lab import Lab, play, target

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600
ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MOMENTS = st.integers(0, 4_102_444_800)  # 1970 to 2100
PERIODS: st.SearchStrategy[Period] = st.sampled_from(["minute", "hour", "day", "month"])


def unix(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@given(PERIODS, MOMENTS, ZONES)
def test_periods_follow_each_other_without_a_gap(period: Period, moment: int, zone: ZoneInfo) -> None:
    span = span_of(period, moment, zone)
    assert span.begins_s <= moment < span.ends_s
    assert span_of(period, span.begins_s, zone) == span_of(period, span.ends_s - 1, zone) == span
    assert span_of(period, span.ends_s, zone).begins_s == span.ends_s


@given(st.sampled_from(["day", "month"]), MOMENTS, ZONES)
def test_a_day_and_a_month_begin_with_a_new_date(period: Period, moment: int, zone: ZoneInfo) -> None:
    span = span_of(period, moment, zone)
    before = datetime.fromtimestamp(span.begins_s - 1, zone)
    begins = datetime.fromtimestamp(span.begins_s, zone)
    assert before.date() < begins.date()
    assert period == "day" or before.month != begins.month


LENGTHS = [
    ("2025-03-29T12:00", "Europe/Berlin", 24),
    ("2025-03-30T12:00", "Europe/Berlin", 23),
    ("2025-10-26T12:00", "Europe/Berlin", 25),
    ("2025-03-09T12:00", "America/New_York", 23),
    ("2025-11-02T12:00", "America/New_York", 25),
    ("2025-04-06T12:00", "Australia/Lord_Howe", 24.5),
    ("2025-10-26T12:00", "UTC", 24),
    ("2025-09-07T12:00", "America/Santiago", 23),  # 00:00 is skipped
    ("2025-04-05T12:00", "America/Santiago", 25),  # 23:00 comes twice
    ("1990-04-01T12:00", "America/St_Johns", 23),  # from 00:01 to 01:01
    ("1990-10-27T12:00", "America/St_Johns", 24),  # its end, 00:00, comes twice: the first one counts
    ("2011-12-29T12:00", "Pacific/Apia", 24),  # the 30th was left out
]


@pytest.mark.parametrize(("noon", "zone", "hours"), LENGTHS)
def test_a_day_has_the_hours_that_the_clock_gives_it(noon: str, zone: str, hours: float) -> None:
    span = span_of("day", unix(noon, zone), ZoneInfo(zone))
    assert span.ends_s - span.begins_s == hours * HOUR


def test_a_month_counts_its_changes_of_the_clock() -> None:
    for month, days, less in (("2025-03", 31, 1), ("2025-10", 31, -1), ("2025-06", 30, 0)):
        span = span_of("month", unix(f"{month}-15T12:00", "Europe/Berlin"), BERLIN)
        assert span.ends_s - span.begins_s == (days * 24 - less) * HOUR
        assert span.begins_s == unix(f"{month}-01T00:00", "Europe/Berlin")


CHANGES = [
    ("2025-03-28T22:30", ["2025-03-29", "2025-03-30", "2025-03-31", "2025-04-01"], [24, 23, 24]),
    ("2025-10-24T22:30", ["2025-10-25", "2025-10-26", "2025-10-27", "2025-10-28"], [24, 25, 24]),
]


@pytest.mark.parametrize(("begins", "dates", "hours"), CHANGES)
def test_a_daily_budget_is_new_at_local_midnight_through_both_changes_of_the_clock(
    begins: str, dates: list[str], hours: list[int]
) -> None:
    """langwatch#6255: a budget of 10 dollars a day for Europe/Amsterdam was reset at midnight UTC."""
    at_zero_s = unix(begins, "Europe/Berlin")
    midnights: list[datetime] = []

    async def scene(lab: Lab) -> None:
        await lab.ask("first", max_tokens=10)
        for n in range(len(dates)):
            with pytest.raises(Rejected, match="dollars a day") as refused:
                await lab.ask(f"no-{n}", max_tokens=10)
            assert refused.value.retry_after_s is not None
            at_s = lab.now() + refused.value.retry_after_s
            midnights.append(datetime.fromtimestamp(round(at_zero_s + at_s), BERLIN))
            await until(lab, at_s - 1.0)
            with pytest.raises(Rejected):
                await lab.ask(f"early-{n}", max_tokens=10)
            await until(lab, at_s)
            await lab.ask(f"yes-{n}", max_tokens=10)

    budget = {"hard_usd": "0.00027", "time_zone": "Europe/Berlin"}
    play(scene, budget=[budget], target=[target("openai")], epoch_s=at_zero_s)
    assert [f"{each:%Y-%m-%d %H:%M}" for each in midnights] == [f"{date} 00:00" for date in dates]
    utc = [each.astimezone(UTC) for each in midnights]
    apart = [later - earlier for earlier, later in pairwise(utc)]
    assert apart == [timedelta(hours=each) for each in hours]


async def until(lab: Lab, at_s: float) -> None:

    await asyncio.sleep(at_s - lab.now())
