"""Definitions that users disputed, each on a record whose answer is known."""

import math
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.seeds import Spread, _paired
from reports.metrics import bounds, facts_of, plain, subject_metrics
from reports.metrics.basis.measures import Measure
from tests.reports.synthetic import attempt, call, failed_attempt, ledger_row, run_of

Rows = list[dict[str, Any]]


def metrics(
    path: Path, calls: Rows, attempts: Rows | None = None, ledger: Rows | None = None, **keys: Any
) -> dict[str, Measure]:
    return subject_metrics(facts_of(run_of(path, calls, attempts or [], ledger or [], **keys), "full"))


def test_a_part_that_was_delivered_and_continued_is_not_wasted(tmp_path: Path) -> None:
    """Three broken streams: one was continued, one discarded and begun again, one's call failed."""
    broke = {"first_s": 1.3, "error_kind": "truncated"}
    attempts = [
        failed_attempt("on/1", **broke),
        attempt("on/2", kind="continue"),
        failed_attempt("again/1", **broke),
        attempt("again/2", kind="fallback"),
        failed_attempt("lost/1", **broke),
        failed_attempt("lost/2", kind="continue"),
    ]
    ledger = [ledger_row(str(each["attempt_id"]), cost_nusd=7) for each in attempts]
    calls = [call("on"), call("again"), call("lost", outcome="failed", error_kind="truncated")]
    assert plain(metrics(tmp_path, calls, attempts, ledger)["wasted_usd"]) == 3 * 7 / 1e9


def test_an_answer_that_a_cache_served_to_another_call_is_not_wasted(tmp_path: Path) -> None:
    calls = [
        call("left", outcome="failed", error_kind="timeout_total", cache="miss"),
        call("got it", cache="exact", cached_from="left", attempts=0),
    ]
    found = metrics(tmp_path, calls, [attempt("left/1")], [ledger_row("left/1")])
    assert plain(found["wasted_usd"]) == 0


def test_a_reply_cut_at_the_token_limit_or_without_content_is_no_success(tmp_path: Path) -> None:
    calls = [
        call("whole"),
        call("cut", finish_reason="length"),
        call("empty", outcome="empty", first_s=None, chunk_s=[]),
        call("filtered", outcome="filtered", finish_reason="content_filter"),
    ]
    found = metrics(tmp_path, calls)
    assert plain(found["success_rate"]) == plain(found["token_limit_rate"]) == 0.25
    assert plain(found["no_answer_rate"]) == 0.5
    assert plain(found["ttft_s_p95_adjusted"]) == math.inf
    assert plain(found["ttft_s_p50"]) == pytest.approx(0.4)


def test_a_success_without_content_counts_as_never_in_the_adjusted_ttft(tmp_path: Path) -> None:
    calls = [call("tool", first_s=None, chunk_s=[], finish_reason="tool_calls")]
    found = metrics(tmp_path, calls)
    assert (plain(found["success_rate"]), plain(found["ttft_s_p95_adjusted"])) == (1.0, math.inf)


def test_the_pace_of_live_streams_is_told_apart_from_that_of_replays(tmp_path: Path) -> None:
    calls = [
        call("live", first_s=1.4, end_s=2.0, output_tokens=4, chunk_s=[1.4, 1.7]),
        call("replay", cache="exact", cached_from="live", first_s=1.0, end_s=1.03, chunk_s=[1.0, 1.03]),
        call("held", held_s=2.0, first_s=4.0, end_s=4.03, chunk_s=[4.0, 4.03]),
    ]
    found = metrics(tmp_path, calls)
    assert plain(found["tpot_s_p50"]) == pytest.approx(0.2)
    assert plain(found["itl_s_p99"]) == pytest.approx(0.3)
    assert plain(found["replayed_tpot_s_p50"]) == pytest.approx(0.01)


def test_replays_of_one_answer_are_one_observation_of_its_quality(tmp_path: Path) -> None:
    """40 answers, one in five wrong; each replayed 9 times tells as much of the model as each served once."""
    once = [call(f"m{n}", n=n, question_id=f"q{n}", answer_right=n % 5 > 0) for n in range(40)]
    again = [
        call(
            f"h{n}-{k}",
            n=40 + 9 * n + k,
            question_id=f"q{n}",
            cache="exact",
            cached_from=f"m{n}",
            answer_right=n % 5 > 0,
        )
        for n in range(40)
        for k in range(9)
    ]
    single = bounds(metrics(tmp_path / "a", once)["quality_rate"])
    many = bounds(metrics(tmp_path / "b", [*once, *again])["quality_rate"])
    assert single is not None
    assert many == pytest.approx(single, abs=0.01)


@pytest.mark.parametrize(
    ("again_s", "value"), [((21.5, 23.0), 1.5), ((), math.inf)], ids=["it is", "it is not"]
)
def test_the_first_provider_is_used_again_from_its_first_success_on(
    tmp_path: Path, again_s: tuple[float, ...], value: float
) -> None:
    starts_s = [5.0, 6.0, *again_s]
    calls = [call(f"c{n}", planned_s=at_s) for n, at_s in enumerate([*starts_s, 29.0])]
    attempts = [attempt(f"c{n}/1", started_s=at_s) for n, at_s in enumerate(starts_s)]
    attempts.append(attempt(f"c{len(starts_s)}/1", started_s=29.0, provider="anthropic"))
    outage = {"kind": "outage", "provider": "openai", "from_s": 10.0, "to_s": 20.0}
    found = metrics(tmp_path, calls, attempts, faults=[outage])
    assert plain(found["first_provider_again_s"]) == value


def test_a_difference_with_infinity_is_infinite_or_undefined_and_never_left_out() -> None:
    inf = math.inf
    worse = Spread.of(_paired([inf, 900.0, 800.0], [1.0, 300.0, 200.0]))
    assert worse is not None
    assert (worse.mean, worse.interval, worse.n, worse.unbounded) == (inf, None, 3, 1)
    both = Spread.of(_paired([inf, 900.0], [inf, 300.0]))
    assert both is not None
    assert (both.mean, both.n, both.unbounded) == (None, 2, 1)
    mixed = Spread.of(_paired([inf, 1.0], [1.0, inf]))
    assert mixed is not None
    assert mixed.mean is None
