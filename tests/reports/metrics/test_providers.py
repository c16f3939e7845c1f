"""What the providers met, on ledgers small enough to count by hand."""

from pathlib import Path
from typing import Any

import pytest

from reports.metrics import facts_of, plain, subject_metrics
from reports.metrics.basis.measures import Plain
from tests.reports.synthetic import attempt, call, failed_ledger_row, ledger_row, run_of

OPENAI = {"provider": "openai", "model": "gpt-4o"}


def measured(path: Path, ledger: list[dict[str, Any]], **keys: Any) -> dict[str, Plain]:
    facts = facts_of(run_of(path, [call()], [attempt()], ledger, **keys), "full")
    return {name: plain(measure) for name, measure in subject_metrics(facts).items()}


def received(*moments: float, **facts: Any) -> list[dict[str, Any]]:
    return [ledger_row(f"c{at_s}/1", received_s=at_s, **facts) for at_s in moments]


def test_the_peak_is_the_fullest_second_of_one_provider_wherever_it_begins(tmp_path: Path) -> None:
    ledger = received(0.1, 0.7, 1.2, 1.6, 2.65) + received(0.8, 0.9, 1.0, provider="anthropic")
    assert measured(tmp_path / "a", ledger)["peak_arrivals_per_s"] == 3
    ledger += received(1.1)
    assert measured(tmp_path / "b", ledger)["peak_arrivals_per_s"] == 4


def test_two_requests_a_whole_second_apart_did_not_come_within_one(tmp_path: Path) -> None:
    assert measured(tmp_path, received(1.0, 2.0))["peak_arrivals_per_s"] == 1


def test_refused_requests_came_all_the_same_and_lines_of_a_batch_did_not(tmp_path: Path) -> None:
    ledger = [failed_ledger_row("a/1"), failed_ledger_row("b/1", status=429), *received(1.0, batch_id="b1")]
    assert measured(tmp_path, ledger)["peak_arrivals_per_s"] == 2


def test_utilisation_is_what_was_let_in_of_what_the_bucket_could_let_in(tmp_path: Path) -> None:
    """Two minutes of 3 requests each and a full bucket of 3: nine could have been let in."""
    limits = [{**OPENAI, "requests_per_min": 3}]
    ledger = [
        *received(0.0, 1.0, 2.0, 50.0),
        failed_ledger_row("refused/1", received_s=3.0, status=429),
        failed_ledger_row("broken/1", received_s=60.0, status=500),
        *received(119.9, 120.0),
        *received(5.0, provider="anthropic"),
    ]
    found = measured(tmp_path / "a", ledger, limits=limits, duration_s=120.0)
    assert found["limiter_utilisation"] == pytest.approx(6 / 9)
    small = [{**OPENAI, "requests_per_min": 3, "burst_s": 20.0}]
    found = measured(tmp_path / "b", ledger, limits=small, duration_s=120.0)
    assert found["limiter_utilisation"] == pytest.approx(6 / 7)


def test_the_limit_that_is_used_most_is_the_one_that_is_told(tmp_path: Path) -> None:
    """One minute and a full bucket: 2 of 20 requests, 1,500 of 4,000 tokens, 700 of 1,000 tokens in."""
    ledger = received(0.0, input_tokens=500, output_tokens=40) + received(1.0, input_tokens=200)
    limits = [{**OPENAI, "requests_per_min": 10, "tokens_per_min": 2000}]
    found = measured(tmp_path / "a", ledger, limits=limits, duration_s=60.0, max_tokens=400)
    assert found["limiter_utilisation"] == pytest.approx((500 + 400) / 4000)
    apart = [{**OPENAI, "input_tokens_per_min": 500, "output_tokens_per_min": 500}]
    found = measured(tmp_path / "b", ledger, limits=apart, duration_s=60.0)
    assert found["limiter_utilisation"] == pytest.approx(700 / 1000)


def test_each_key_has_a_limit_of_its_own_and_an_organisation_one_for_all(tmp_path: Path) -> None:
    ledger = received(0.0, 1.0, key_id="key-a") + received(2.0, key_id="key-b")
    ledger += [failed_ledger_row("revoked/1", key_id="key-c", status=401)]
    of_key = [{**OPENAI, "requests_per_min": 3}]
    found = measured(tmp_path / "a", ledger, limits=of_key, duration_s=60.0)
    assert found["limiter_utilisation"] == pytest.approx(3 / 12)
    of_all = [{**OPENAI, "scope": "organization", "requests_per_min": 3}]
    found = measured(tmp_path / "b", ledger, limits=of_key + of_all, duration_s=60.0)
    assert found["limiter_utilisation"] == pytest.approx(3 / 6)


def test_without_a_known_limit_nobody_measured_how_much_of_it_was_used(tmp_path: Path) -> None:
    assert measured(tmp_path / "a", received(0.0))["limiter_utilisation"] is None
    elsewhere = [{"provider": "openai", "model": "gpt-4.5", "requests_per_min": 3}]
    assert measured(tmp_path / "b", received(0.0), limits=elsewhere)["limiter_utilisation"] is None
    tokens = [{**OPENAI, "tokens_per_min": 3000}]
    assert measured(tmp_path / "c", received(0.0), limits=tokens)["limiter_utilisation"] is None


def test_a_provider_that_refused_everything_let_in_nothing(tmp_path: Path) -> None:
    limits = [{**OPENAI, "requests_per_min": 3}]
    found = measured(tmp_path, [failed_ledger_row("a/1", status=429)], limits=limits)
    assert found["limiter_utilisation"] == 0
