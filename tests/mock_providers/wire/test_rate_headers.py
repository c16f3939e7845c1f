"""Rate limit headers of each style."""

from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mock_providers.limits.header_style import HeaderStyle, RetryAfter
from mock_providers.limits.limits import Meter
from mock_providers.wire.rate_headers import retry_after_headers, shown_meters
from mock_providers.wire.rate_headers import shown_remaining as remaining

WALL_S = 1_767_225_600.25  # 2026-01-01T00:00:00.25Z
METERS = (Meter("requests", 600, 599.7, 0.1, 1), Meter("tokens", 2000, -3.0, 90.0, 50))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("seconds", {b"retry-after": b"2"}),
        ("ms", {b"retry-after-ms": b"1251"}),
        ("seconds_and_ms", {b"retry-after": b"2", b"retry-after-ms": b"1251"}),
        ("http_date", {b"retry-after": b"Thu, 01 Jan 2026 00:00:02 GMT"}),
        ("none", {}),
    ],
)
def test_each_way_to_ask_for_a_wait(how: RetryAfter, expected: dict[bytes, bytes]) -> None:
    assert dict(retry_after_headers(HeaderStyle(retry_after=how), 1.2503, WALL_S)) == expected


def test_without_a_style_the_protocol_decides() -> None:
    assert dict(retry_after_headers(HeaderStyle(), 3.0, WALL_S)) == {b"retry-after": b"3"}
    both = retry_after_headers(HeaderStyle(), 3.0, WALL_S, "seconds_and_ms")
    assert dict(both) == {b"retry-after": b"3", b"retry-after-ms": b"3000"}


@pytest.mark.parametrize("how", ["seconds", "ms", "seconds_and_ms", "http_date", "none"])
def test_what_no_wait_helps_asks_for_none(how: RetryAfter) -> None:
    assert retry_after_headers(HeaderStyle(retry_after=how), float("inf"), WALL_S) == []
    assert retry_after_headers(HeaderStyle(retry_after=how), None, WALL_S) == []


@given(st.floats(0.0, 1e5))
def test_no_style_asks_for_less_than_the_wait_or_a_second_more(wait_s: float) -> None:
    seconds = retry_after_headers(HeaderStyle(retry_after="seconds"), wait_s, WALL_S)
    assert wait_s <= int(dict(seconds)[b"retry-after"]) <= wait_s + 1.0
    ms = retry_after_headers(HeaderStyle(retry_after="ms"), wait_s, WALL_S)
    assert wait_s * 1000 <= int(dict(ms)[b"retry-after-ms"]) <= wait_s * 1000 + 1.0
    date = dict(retry_after_headers(HeaderStyle(retry_after="http_date"), wait_s, WALL_S))[b"retry-after"]
    until = parsedate_to_datetime(date.decode()).timestamp()
    assert WALL_S + wait_s <= until <= WALL_S + wait_s + 1.0


def test_meters_are_shown_as_they_are_or_not_at_all_or_as_nonsense() -> None:
    assert shown_meters(HeaderStyle(), METERS) == METERS
    assert shown_meters(HeaderStyle(rate_limits="none"), METERS) == ()
    nonsense = shown_meters(HeaderStyle(rate_limits="negative"), METERS)
    assert [(meter.name, meter.limit, remaining(meter), meter.until_full_s) for meter in nonsense] == [
        ("requests", -1, -1, 0.0),
        ("tokens", -1, -1, 0.0),
    ]


def test_a_debt_is_shown_as_nothing_left() -> None:
    assert [remaining(meter) for meter in METERS] == [599, 0]


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValidationError, match="retry_after"):
        HeaderStyle.model_validate({"retry_after": "minutes"})
