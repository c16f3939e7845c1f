import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.claims import ClaimResult, judge_claims
from reports.analysis.subject import SubjectSummary, metric_value
from reports.record.expectation import ClaimError, Expectation
from reports.record.manifest import Claim


@pytest.mark.parametrize(
    ("expected", "confirmed", "refuted"),
    [
        (">= 0.999", [0.999, 1.0, math.inf], [0.9989]),
        ("<= 1.5", [1.5, 0, -3], [1.5001, math.inf]),
        ("== 0", [0, 0.0], [1e-9, -1e-9]),
        ("> 2", [2.0001], [2, 1]),
        ("< 2", [1.9], [2, 3]),
        ("0.4 .. 0.6", [0.4, 0.5, 0.6], [0.39, 0.61]),
        ("-1e-3 .. +1e-3", [0, 0.001], [0.0011]),
        (">=5", [5], [4]),
    ],
)
def test_an_expectation_is_confirmed_exactly_where_it_says(
    expected: str, confirmed: list[float], refuted: list[float]
) -> None:
    expectation = Expectation.parse(expected)
    assert [expectation.judge(value) for value in confirmed] == ["confirmed"] * len(confirmed)
    assert [expectation.judge(value) for value in refuted] == ["refuted"] * len(refuted)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_every_value_is_on_exactly_one_side_of_a_bound(bound: float, value: float) -> None:
    at_least, below = Expectation.parse(f">= {bound!r}"), Expectation.parse(f"< {bound!r}")
    assert at_least.holds(value) != below.holds(value)


@pytest.mark.parametrize("text", ["", "0.5", "=> 1", ">= fast", "0.6 .. 0.4", ">= 1 <= 2", "~ 3"])
def test_an_unreadable_expectation_is_an_error_that_quotes_it(text: str) -> None:
    with pytest.raises(ClaimError, match="expected "):
        Expectation.parse(text)


def test_what_nobody_measured_never_passes() -> None:
    assert Expectation.parse("<= 1").judge(None) == "unmeasured"
    assert Expectation.parse("<= 1").judge(math.nan) == "unmeasured"


SUBJECTS = {
    "full": SubjectSummary(
        "full",
        {
            "success_rate": 0.5,
            "ttft_s_p95_adjusted": math.inf,
            "error_rate_by_kind": {"server_error": 0.5},
            "provider_share": {"openai": 1.0},
            "cache_hit_rate": None,
        },
    ),
    "other": SubjectSummary("other", {"provider_share": {"anthropic": 1.0}}),
}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("success_rate", 0.5),
        ("ttft_s_p95_adjusted", math.inf),
        ("cache_hit_rate", None),
        ("no_such_metric", None),
        ("success_rate.typo", None),
        ("error_rate_by_kind.server_error", 0.5),
        ("error_rate_by_kind.timeout_total", 0.0),
        ("error_rate_by_kind.timeuot_total", None),
        ("provider_share.openai", 1.0),
        ("provider_share.anthropic", 0.0),
        ("provider_share.antropic", None),
    ],
)
def test_a_metric_is_looked_up_by_name_and_a_misspelt_one_is_unmeasured(
    metric: str, value: float | None
) -> None:
    assert metric_value(SUBJECTS, "full", metric) == value


def test_an_unbounded_percentile_refutes_an_upper_bound() -> None:
    claim = Claim(text="fast", subject="full", metric="ttft_s_p95_adjusted", expected="<= 1.5")
    (judged,) = judge_claims([claim], SUBJECTS)
    assert judged == ClaimResult(**claim.model_dump(), observed=None, verdict="refuted")


def test_a_claim_about_an_unknown_subject_is_unmeasured() -> None:
    claim = Claim(text="?", subject="missing", metric="success_rate", expected=">= 0")
    assert judge_claims([claim], SUBJECTS)[0].verdict == "unmeasured"
