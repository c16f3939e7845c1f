"""Each metric on a handful of rows, small enough to compute by hand."""

from pathlib import Path
from typing import Any

import pytest

from reports.metrics import MetricOptions, Rate, facts_of, plain, subject_metrics
from reports.metrics.basis.measures import Plain
from tests.reports.synthetic import (
    attempt,
    call,
    failed_attempt,
    failed_call,
    failed_ledger_row,
    ledger_row,
    run_of,
)

Rows = list[dict[str, Any]]


def measured(
    path: Path, calls: Rows, attempts: Rows | None = None, ledger: Rows | None = None, **keys: Any
) -> dict[str, Plain]:
    facts = facts_of(run_of(path, calls, attempts or [], ledger or [], **keys), "full")
    return {name: plain(measure) for name, measure in subject_metrics(facts).items()}


def test_rates_are_of_calls_sent_and_dropped_calls_are_none_of_the_subjects_doing(tmp_path: Path) -> None:
    found = measured(
        tmp_path,
        [
            call("a"),
            call("b"),
            call("c"),
            failed_call("d"),
            failed_call("e", error_kind="timeout_total"),
            failed_call("f", outcome="rejected", error_kind="rejected_limiter"),
            failed_call("g", error_kind=None),
            call("h", outcome="dropped", started_s=None, first_s=None, end_s=None, chunk_s=[]),
        ],
    )
    assert found["calls"] == 7
    assert found["success_rate"] == pytest.approx(3 / 7)
    assert found["rejected_rate"] == pytest.approx(1 / 7)
    assert found["dropped_arrivals"] == 1
    assert found["error_rate_by_kind"] == pytest.approx(
        {"server_error": 1 / 7, "timeout_total": 1 / 7, "rejected_limiter": 1 / 7, "unknown": 1 / 7}
    )


def test_latencies_count_from_the_planned_start(tmp_path: Path) -> None:
    late = call(planned_s=1.0, started_s=3.0, first_s=3.4, end_s=4.0, chunk_s=[3.4, 3.9])
    found = measured(tmp_path, [late])
    assert found["ttft_s_p50"] == pytest.approx(2.4)
    assert found["e2e_s_p50"] == pytest.approx(3.0)
    assert found["send_lag_s_p99"] == pytest.approx(2.0)
    assert found["late_starts"] == 1


def test_percentiles_are_nearest_rank_over_successful_calls(tmp_path: Path) -> None:
    calls = [call(f"c{i}", planned_s=0.0, first_s=float(i), end_s=float(10 * i)) for i in range(1, 21)]
    found = measured(tmp_path, [*calls, failed_call("f")])
    assert (found["ttft_s_p50"], found["ttft_s_p95"], found["ttft_s_p99"]) == (10.0, 19.0, 20.0)
    assert (found["e2e_s_p50"], found["e2e_s_p95"], found["e2e_s_p99"]) == (100.0, 190.0, 200.0)


def test_error_adjusted_percentiles_count_a_failure_as_never(tmp_path: Path) -> None:
    calls = [call(f"c{i}", planned_s=0.0, first_s=float(i), end_s=float(10 * i)) for i in range(1, 20)]
    one = measured(tmp_path / "one", [*calls, failed_call("f")])
    assert (one["ttft_s_p95_adjusted"], one["e2e_s_p95_adjusted"]) == (19.0, 190.0)
    two = measured(tmp_path / "two", [*calls, failed_call("f"), failed_call("g")])
    assert two["ttft_s_p95_adjusted"] == float("inf")


def test_a_reply_that_is_not_streamed_shows_its_first_content_at_its_end(tmp_path: Path) -> None:
    found = measured(tmp_path, [call(stream=False, first_s=None, chunk_s=[])])
    assert found["ttft_s_p50"] == found["e2e_s_p50"] == pytest.approx(1.0)
    assert found["tpot_s_p50"] is None
    assert found["stall_rate"] is None


def test_time_per_output_token_leaves_out_the_first_token(tmp_path: Path) -> None:
    found = measured(tmp_path, [call(first_s=1.4, end_s=2.0, output_tokens=4), call("b", output_tokens=1)])
    assert found["tpot_s_p50"] == pytest.approx(0.2)


def test_gaps_between_contents_are_pooled_over_successful_streams(tmp_path: Path) -> None:
    calls = [
        call("a", chunk_s=[1.0, 1.1, 1.3]),
        call("b", chunk_s=[2.0, 2.4]),
        failed_call("c", chunk_s=[1.0, 99.0]),
    ]
    assert measured(tmp_path, calls)["itl_s_p99"] == pytest.approx(0.4)


def test_a_stall_is_a_long_gap_between_contents_or_before_a_failure(tmp_path: Path) -> None:
    calls = [
        call("smooth", chunk_s=[1.0, 1.9], end_s=9.0),
        call("paused", chunk_s=[1.0, 2.1]),
        failed_call("cut at once", chunk_s=[1.0, 1.2], end_s=1.3),
        failed_call("hung", chunk_s=[1.0, 1.2], end_s=6.2),
        failed_call("never began"),
    ]
    run = run_of(tmp_path, calls)
    assert subject_metrics(facts_of(run, "full"))["stall_rate"] == Rate(2, 4)
    assert subject_metrics(facts_of(run, "full", MetricOptions(stall_s=0.5)))["stall_rate"] == Rate(3, 4)


def test_goodput_keeps_every_objective(tmp_path: Path) -> None:
    calls = [
        call("good"),
        call("slow first token", first_s=1.6),
        call("slow reply", end_s=3.1),
        failed_call("failed"),
    ]
    assert measured(tmp_path / "a", calls, slo={"ttft_s": 0.5, "e2e_s": 2.0})["goodput_rate"] == 0.25
    assert measured(tmp_path / "b", calls, slo={"ttft_s": 0.5})["goodput_rate"] == 0.5
    assert measured(tmp_path / "c", calls)["goodput_rate"] is None


def test_success_during_faults_is_of_the_calls_planned_while_one_was_active(tmp_path: Path) -> None:
    faults = [
        {"kind": "outage", "provider": "openai", "from_s": 2.0, "to_s": 4.0},
        {"kind": "hang", "provider": "together", "from_s": 8.0, "to_s": None},
    ]
    calls = [
        call("before", planned_s=1.9),
        failed_call("first", planned_s=2.0),
        call("during", planned_s=3.9),
        failed_call("after", planned_s=4.0),
        call("second fault", planned_s=9.0),
    ]
    found = measured(tmp_path / "a", calls, faults=faults)
    assert found["calls_in_faults"] == 3
    assert found["success_rate_in_faults"] == pytest.approx(2 / 3)
    assert measured(tmp_path / "b", calls)["success_rate_in_faults"] is None


def fallen_back(call_id: str = "b") -> tuple[Rows, Rows]:
    """Two failures at OpenAI, then an answer of Anthropic: as attempts and as ledger rows."""
    other = {"provider": "anthropic", "model": "claude-sonnet"}
    attempts = [
        failed_attempt(f"{call_id}/1", started_s=1.0, end_s=1.1, limiter_wait_s=0.3),
        failed_attempt(f"{call_id}/2", kind="retry", started_s=1.2, end_s=1.3, status=429, error_kind=None),
        attempt(f"{call_id}/3", kind="fallback", started_s=1.3, first_s=1.75, cost_nusd=500_000, **other),
    ]
    ledger = [
        failed_ledger_row(f"{call_id}/1"),
        failed_ledger_row(f"{call_id}/2", status=429),
        ledger_row(f"{call_id}/3", cost_nusd=500_000, **other),
    ]
    return attempts, ledger


def test_attempts_are_counted_by_what_they_were_for(tmp_path: Path) -> None:
    attempts, ledger = fallen_back()
    calls = [call("a"), call("b", provider="anthropic", attempts=3), failed_call("c", outcome="rejected")]
    refused = failed_attempt("c/1", outcome="rejected", error_kind="rejected_limiter", status=None)
    found = measured(tmp_path, calls, [attempt("a/1"), *attempts, refused], [ledger_row("a/1"), *ledger])
    assert found["attempts"] == 4
    assert found["retry_amplification"] == pytest.approx(4 / 3)
    assert found["fallback_rate"] == pytest.approx(1 / 3)
    assert found["hedge_rate"] == 0
    assert found["rate_limited_attempts"] == 1
    assert found["limiter_wait_s_p95"] == pytest.approx(0.3)
    assert found["provider_share"] == {"anthropic": 0.5, "openai": 0.5}


def test_failover_runs_from_the_first_failures_end_to_the_first_content(tmp_path: Path) -> None:
    attempts, ledger = fallen_back()
    found = measured(tmp_path, [call("a"), call("b")], [attempt("a/1"), *attempts], ledger)
    assert found["failover_s_p95"] == pytest.approx(0.65)


def test_a_continued_reply_fell_back_when_another_model_went_on(tmp_path: Path) -> None:
    """Four calls: one answered at once, one continued elsewhere, one at the same model, one after a hedge."""
    other = {"provider": "anthropic", "model": "claude-sonnet"}
    third = {"provider": "together", "model": "llama-3-70b"}
    attempts = [
        attempt("plain/1"),
        failed_attempt("elsewhere/1", error_kind="connection"),
        attempt("elsewhere/2", kind="continue", **other),
        failed_attempt("here/1", error_kind="truncated"),
        attempt("here/2", kind="continue"),
        attempt("hedged/1", outcome="abandoned"),
        failed_attempt("hedged/2", kind="hedge", error_kind="connection", **other),
        attempt("hedged/3", kind="continue", **third),
    ]
    calls = [call(name) for name in ("plain", "elsewhere", "here", "hedged")]
    found = measured(tmp_path, calls, attempts, [ledger_row("plain/1")])
    assert found["continued_rate"] == 0.75
    assert found["fallback_rate"] == 0.5
    assert found["hedge_rate"] == 0.25


def test_nobody_fails_over_without_a_failure(tmp_path: Path) -> None:
    hedged = [attempt("a/1", outcome="abandoned"), attempt("a/2", kind="hedge", started_s=1.2)]
    found = measured(tmp_path, [call("a")], hedged, [ledger_row("a/1"), ledger_row("a/2")])
    assert found["failover_s_p95"] is None
    assert found["hedge_rate"] == 1.0


def test_waste_is_what_was_billed_without_answering(tmp_path: Path) -> None:
    calls = [call("won"), failed_call("cut", error_kind="truncated"), failed_call("abandoned")]
    attempts = [
        attempt("won/1", outcome="abandoned", cost_nusd=250_000, usage_known=False),
        attempt("won/2", kind="hedge"),
        failed_attempt("cut/1", cost_nusd=270_000),
        attempt("abandoned/1"),
    ]
    ledger = [
        ledger_row("won/1", cost_nusd=250_000, output_tokens=0, ended="client_closed"),
        ledger_row("won/2"),
        ledger_row("cut/1", cost_nusd=270_000, output_tokens=2, ended="reset"),
        ledger_row("abandoned/1", cached_input_tokens=60),
        failed_ledger_row("won/1", request_id="free"),
    ]
    found = measured(tmp_path, calls, attempts, ledger)
    assert found["wasted_usd"] == (250_000 + 270_000 + 290_000) / 1e9
    assert found["wasted_tokens"] == 100 + 102 + 104
    assert (found["input_tokens"], found["output_tokens"]) == (400, 10)
    assert found["cached_input_tokens"] == 60
    assert found["provider_cache_hit_rate"] == 0.25
    assert found["usage_unknown_attempts"] == 1


def test_a_provider_free_of_charge_still_used_tokens(tmp_path: Path) -> None:
    free = [ledger_row(cost_nusd=0), failed_ledger_row("x/1", input_tokens=999)]
    found = measured(tmp_path, [call()], [attempt(cost_nusd=0)], free)
    assert (found["input_tokens"], found["billed_usd"]) == (100, 0)


def test_cost_is_what_the_ledger_billed_by_model_and_per_thousand(tmp_path: Path) -> None:
    attempts, ledger = fallen_back()
    calls = [call("a"), call("b"), failed_call("c"), failed_call("d")]
    tried = [attempt("a/1"), *attempts, failed_attempt("c/1"), failed_attempt("d/1")]
    found = measured(tmp_path, calls, tried, [ledger_row("a/1"), *ledger])
    assert found["billed_usd"] == found["accounted_usd"] == 0.00079
    assert found["usd_per_1k_calls"] == 0.1975
    assert found["usd_per_1k_answers"] == 0.395
    assert found["usd_by_model"] == {"claude-sonnet": 0.0005, "gpt-4o": 0.00029}


def test_money_is_summed_as_integers(tmp_path: Path) -> None:
    """Float sums of 0.1 and 0.2 dollars would be off, and show a difference that is not there."""
    prices = [100_000_000, 200_000_000, 300_000_001] * 50
    floats = sum(price / 1e9 for price in prices)
    assert floats != sum(prices) / 1e9  # the trap
    calls = [call(f"c{i}", cost_nusd=price) for i, price in enumerate(prices)]
    attempts = [attempt(f"c{i}/1", cost_nusd=price) for i, price in enumerate(prices)]
    ledger = [ledger_row(f"c{i}/1", cost_nusd=price) for i, price in reversed(list(enumerate(prices)))]
    found = measured(tmp_path, calls, attempts, ledger)
    assert found["billed_usd"] == found["accounted_usd"] == 30.00000005
    assert found["reconciliation_error_usd"] == found["reconciliation_gross_error_usd"] == 0


def test_a_nano_dollar_is_not_lost_in_a_large_bill(tmp_path: Path) -> None:
    large = 900_000_000_000_000  # $900,000
    found = measured(tmp_path, [call()], [attempt(cost_nusd=large)], [ledger_row(cost_nusd=large + 1)])
    assert found["reconciliation_error_usd"] == 1e-9


def test_reconciliation_joins_attempts_so_that_errors_cannot_cancel(tmp_path: Path) -> None:
    calls = [call(name) for name in "abcde"]
    attempts = [
        attempt("a/1", cost_nusd=100),
        attempt("b/1", cost_nusd=200),
        attempt("c/1", cost_nusd=40),
        failed_attempt("d/1", status=None, error_kind="connect"),
        attempt("e/1", cost_nusd=7),
    ]
    ledger = [
        ledger_row("a/1", cost_nusd=130),
        ledger_row("b/1", cost_nusd=170),
        ledger_row("c/1", cost_nusd=30),
        ledger_row("c/1", cost_nusd=10, request_id="same attempt again"),
        ledger_row(None, cost_nusd=5),
        ledger_row("z/9", cost_nusd=2),
    ]
    found = measured(tmp_path, calls, attempts, ledger)
    assert found["reconciliation_error_usd"] == (130 + 170 + 40 + 5 + 2 - 347) / 1e9
    assert found["reconciliation_gross_error_usd"] == (30 + 30 + 0 + 5 + 2 + 7) / 1e9
    assert found["mismatched_attempts"] == 2
    assert found["unmatched_rows"] == 3


def test_a_false_hit_is_the_answer_of_another_question(tmp_path: Path) -> None:
    calls = [
        call("a", cache="miss", question_id="q1"),
        call("b", cache="semantic", cached_from="a", question_id="q1", answer_right=False),
        call("c", cache="semantic", cached_from="a", question_id="q2"),
        call("d", cache="exact", cached_from="a", question_id="q1"),
        call("e", cache="semantic", cached_from="before the window", question_id="q2"),
        call("f", cache="coalesced", question_id="q2"),
    ]
    found = measured(tmp_path, calls)
    assert found["semantic_hit_rate"] == 3 / 6
    assert found["coalesced_rate"] == pytest.approx(1 / 6)
    assert found["false_hit_rate"] == pytest.approx(1 / 3)
    assert found["false_hit_share"] == pytest.approx(1 / 5)  # of `e`, nobody knows


def test_cache_hits_are_of_all_calls_and_answer_for_themselves(tmp_path: Path) -> None:
    calls = [
        call("a", cache="miss"),
        call("b", cache="exact", attempts=0, provider=None, model=None),
        call("c", cache="exact", attempts=0),
        failed_call("d", cache="miss"),
    ]
    found = measured(tmp_path, calls, [attempt("a/1"), failed_attempt("d/1")], [ledger_row("a/1")])
    assert found["cache_hit_rate"] == found["exact_hit_rate"] == 0.5
    assert found["provider_share"] == pytest.approx({"cache": 2 / 3, "openai": 1 / 3})


def test_quality_is_of_the_answers_that_can_be_judged(tmp_path: Path) -> None:
    calls = [
        call("a"),
        call("b", answer_right=False),
        call("c", answer_right=True),
        call("d", answer_right=None),
        failed_call("e", answer_right=True),
    ]
    assert measured(tmp_path, calls)["quality_rate"] == pytest.approx(2 / 3)


def test_the_offered_rate_is_of_the_plan_and_the_achieved_one_of_the_starts(tmp_path: Path) -> None:
    dropped = call(
        "d", planned_s=9.0, outcome="dropped", started_s=None, first_s=None, end_s=None, chunk_s=[]
    )
    calls = [
        call("a", planned_s=4.0),
        call("b", planned_s=6.0, started_s=6.0),
        call("c", planned_s=8.0, started_s=10.0),
        dropped,
    ]
    found = measured(tmp_path / "a", calls, duration_s=10.0, warmup_s=5.0)
    assert (found["offered_rate"], found["achieved_rate"]) == (3 / 5, 1 / 4)
    partial = measured(tmp_path / "b", calls[:3], duration_s=1000.0, status="partial")
    assert partial["offered_rate"] == 3 / 8


def test_warm_up_is_left_out_on_every_side_by_planned_time(tmp_path: Path) -> None:
    calls = [failed_call("warm", planned_s=4.9), call("measured", planned_s=5.0)]
    attempts = [failed_attempt("warm/1", started_s=5.2, cost_nusd=11), attempt("measured/1", started_s=5.0)]
    ledger = [
        ledger_row("warm/1", received_s=5.2, cost_nusd=11),
        ledger_row("measured/1", received_s=5.1),
        ledger_row(None, received_s=4.0, cost_nusd=13, request_id="early stranger"),
        ledger_row(None, received_s=6.0, cost_nusd=17, request_id="late stranger"),
    ]
    found = measured(tmp_path, calls, attempts, ledger, warmup_s=5.0)
    assert (found["calls"], found["success_rate"], found["attempts"]) == (1, 1.0, 1)
    assert found["billed_usd"] == (290_000 + 17) / 1e9
    assert found["unmatched_rows"] == 1


def test_one_subject_knows_nothing_of_another(tmp_path: Path) -> None:
    calls = [call("a"), failed_call("a", subject="naive")]
    attempts = [attempt("a/1"), failed_attempt("a/1", subject="naive", cost_nusd=5)]
    ledger = [ledger_row("a/1"), ledger_row("a/1", subject="naive", cost_nusd=5)]
    run = run_of(tmp_path, calls, attempts, ledger, ("naive", "full"))
    found = {name: subject_metrics(facts_of(run, name)) for name in run.subjects}
    assert found["full"]["success_rate"] == Rate(1, 1)
    assert found["naive"]["success_rate"] == Rate(0, 1)
    assert [plain(found[name]["billed_usd"]) for name in ("full", "naive")] == [0.00029, 5e-9]


def test_what_the_stack_did_not_tell_is_unmeasured_and_never_zero(tmp_path: Path) -> None:
    found = measured(tmp_path, [call()])
    for name in (
        "attempts",
        "retry_amplification",
        "hedge_rate",
        "fallback_rate",
        "continued_rate",
        "failover_s_p95",
        "rate_limited_attempts",
        "limiter_wait_s_p95",
        "peak_arrivals_per_s",
        "limiter_utilisation",
        "recovery_s",
        "billed_usd",
        "accounted_usd",
        "reconciliation_error_usd",
        "usd_per_1k_calls",
        "wasted_usd",
        "usd_by_model",
        "input_tokens",
        "cache_hit_rate",
        "goodput_rate",
        "success_rate_in_faults",
    ):
        assert found[name] is None, name


def test_a_subject_that_needed_no_provider_made_no_attempts_and_cost_nothing(tmp_path: Path) -> None:
    found = measured(tmp_path, [call(cache="exact", attempts=0)])
    assert (found["attempts"], found["billed_usd"], found["usd_per_1k_calls"]) == (0, 0, 0)


def test_an_empty_run_measures_nothing_but_that_it_is_empty(tmp_path: Path) -> None:
    found = measured(tmp_path, [], faults=[{"kind": "outage"}], slo={"ttft_s": 1.0})
    assert {name for name, value in found.items() if value is not None} == {"calls", "calls_in_faults"}
    assert found["calls"] == found["calls_in_faults"] == 0


def test_an_answer_without_content_has_a_total_time_but_no_first_token(tmp_path: Path) -> None:
    empty = call("b", first_s=None, chunk_s=[], output_tokens=0, end_s=3.0)
    found = measured(tmp_path, [call("a"), empty])
    assert found["success_rate"] == 1.0
    assert found["ttft_s_p99"] == pytest.approx(0.4)
    assert found["e2e_s_p99"] == pytest.approx(2.0)
