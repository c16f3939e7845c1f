"""Rate-limit headers are read in every dialect, and nonsense says nothing."""

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.rate_meters import NOTHING, Meter, Meters, meters_of


def test_openais_headers() -> None:
    headers = {
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1999000",
    }
    assert meters_of(headers) == Meters(Meter(10_000, 9_999), Meter(2_000_000, 1_999_000))


def test_anthropics_headers() -> None:
    headers = {
        f"anthropic-ratelimit-{name}-{kind}": str(count)
        for name, count in (("requests", 50), ("tokens", 80), ("input-tokens", 900), ("output-tokens", 80))
        for kind in ("limit", "remaining")
    }
    meters = meters_of(headers)
    assert meters == Meters(Meter(50, 50), Meter(), Meter(900, 900), Meter(80, 80))


def test_of_anthropics_tokens_half_a_thousand_more_may_remain_than_is_told() -> None:
    remaining = {"requests": 0, "input-tokens": 0, "output-tokens": 12_000}
    headers = {"anthropic-ratelimit-requests-limit": "50"}
    headers |= {f"anthropic-ratelimit-{name}-remaining": str(count) for name, count in remaining.items()}
    assert meters_of(headers) == Meters(Meter(50, 0), Meter(), Meter(None, 500), Meter(None, 12_500))


def test_of_togethers_dynamic_limits_only_what_remains_is_taken() -> None:
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9", "x-tokenlimit-remaining": "100"}
    assert meters_of(headers) == Meters(Meter(None, 9), Meter(None, 100))


def test_what_azure_once_sent_says_nothing() -> None:
    headers = {f"x-ratelimit-{kind}-requests": "-1" for kind in ("limit", "remaining")}
    assert meters_of(headers) == NOTHING


@given(
    st.dictionaries(
        st.sampled_from(["x-ratelimit-remaining-requests", "x-ratelimit-limit-tokens"]), st.text()
    )
)
def test_no_header_is_too_strange(headers: dict[str, str]) -> None:
    for limit, remaining in meters_of(headers):
        assert limit is None or 0 <= limit < float("inf")
        assert remaining is None or 0 <= remaining < float("inf")
