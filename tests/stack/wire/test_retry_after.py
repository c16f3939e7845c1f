"""Every way in which a provider says when to come back, and nothing taken for one that is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.wire.retry_after import MOST_S, retry_after_s

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "message", "hint_s"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after": "0"}, "", 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, "", 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, "", 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, "", None),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, "", None),
        ({}, "Rate limit reached. Please try again in 41.724s.", 41.724),
        ({}, "Please try again in 6m0s. Visit us.", 360.0),
        ({}, "Please try again in 1h2m3s", 3723.0),
        ({}, "Please try again in 12ms.", 0.012),
        ({}, "Please try again in a while", None),
        ({"retry-after": "-1", "retry-after-ms": "0"}, "", 0.0),
        ({"retry-after": "-5"}, "Please try again in 2s.", 2.0),
        ({"retry-after": "nan"}, "", None),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after": "1e300"}, "", None),
        ({"retry-after": "1_0"}, "", None),
        ({"retry-after": "604801"}, "Please try again in 2s.", 2.0),
        ({"retry-after": "Wed, 21 Oct 9999 07:28:30 GMT", "date": DATE}, "", None),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, "", None),
    ],
)
def test_the_hint_is_read_or_there_is_none(
    headers: dict[str, str], message: str, hint_s: float | None
) -> None:
    assert retry_after_s(headers, message) == hint_s


def test_of_anthropics_resets_only_those_of_limits_that_are_used_up_count() -> None:
    headers = {
        "date": DATE,
        "anthropic-ratelimit-requests-remaining": "12",
        "anthropic-ratelimit-requests-reset": "2026-10-21T07:30:00Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-10-21T07:28:09Z",
    }
    assert retry_after_s(headers) == 9.0


INFO = "type.googleapis.com/google.rpc.RetryInfo"


@pytest.mark.parametrize(
    ("details", "hint_s"),
    [
        ([{"@type": "QuotaFailure"}, {"@type": INFO, "retryDelay": "41s"}], 41.0),
        ([{"@type": INFO, "retryDelay": "0.250s"}], 0.25),
        ([{"@type": INFO, "retryDelay": "-3s"}], None),
        ([{"@type": INFO, "retryDelay": "infs"}], None),
        ([{"@type": INFO, "retryDelay": 41}], None),
        (["retryDelay"], None),
        ({"error_code": "ramp_limit_exceeded"}, None),
        (None, None),
    ],
)
def test_a_delay_among_the_errors_details_is_read(details: Any, hint_s: float | None) -> None:
    assert retry_after_s({}, "", details) == hint_s
    assert retry_after_s({"retry-after": "3"}, "", details) == 3.0


@given(st.integers(1, 6000), st.sampled_from(["h", "m", "s", "ms"]))
def test_a_sentence_with_a_number_of_any_length_is_survived(digits: int, unit: str) -> None:
    hint_s = retry_after_s({}, f"Please try again in {'9' * digits}{unit}.")
    assert hint_s is None or 0 <= hint_s <= MOST_S


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date", "anthropic-ratelimit-tokens-reset"]),
        st.text(max_size=30) | st.floats().map(str) | st.just(DATE),
    ),
    st.text(max_size=40) | st.from_regex(r"try again in [0-9]{1,400}[hms]{1,2}", fullmatch=True),
)
def test_whatever_a_provider_writes_a_hint_is_a_finite_wait_or_none(
    headers: dict[str, str], message: str
) -> None:
    hint_s = retry_after_s(headers | {"anthropic-ratelimit-tokens-remaining": "0"}, message)
    assert hint_s is None or 0 <= hint_s <= MOST_S
