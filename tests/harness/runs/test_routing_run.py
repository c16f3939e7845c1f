"""The scenario `routing` as it ships, for a few seconds: what the record, the claims and the page say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.load.workload.halves import half_of
from harness.runs.run import Recording
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import RunSpec, make_spec
from harness.world.worlds import make_world
from reports.analysis.analyse import analyse
from reports.page.html import render
from reports.record.run import Run, read_run

SECONDS = 12.0


def played(spec: RunSpec, folder: Path) -> Run:
    recording = Recording(spec, folder, datetime(2026, 1, 1, tzinfo=UTC))
    with make_world(spec, recording.logs) as world:
        for subject in spec.subjects:
            recording.add(subject, world.measure(subject, lambda *_: None))
    recording.record()
    return read_run(folder)


@pytest.fixture(scope="module")
def spec() -> RunSpec:
    return make_spec(RunOptions(scenario="routing", duration_s=SECONDS))


@pytest.fixture(scope="module")
def record(spec: RunSpec, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return played(spec, tmp_path_factory.mktemp("routing"))


def rows_of(record: Run, table: str, subject: str) -> pd.DataFrame:
    rows: pd.DataFrame = getattr(record, table)
    return rows[rows["subject"] == subject].reset_index(drop=True)


def calls_of(record: Run, subject: str) -> Any:
    return record.calls[record.calls["subject"] == subject].set_index("call_id")


def test_no_question_that_the_classifier_was_trained_on_is_asked(spec: RunSpec) -> None:
    assert {half_of(call.question_id) for call in spec.plan} == {"test"}


def test_the_oracle_sends_the_easy_ones_to_the_small_model(record: Run) -> None:
    calls = calls_of(record, "route-oracle")
    assert ((calls["difficulty"] == "easy") == (calls["route_tier"] == "small")).all()
    assert set(calls["model"][calls["route_tier"] == "small"]) == {"gpt-4o-mini"}


def test_the_classifier_says_what_it_went_by(record: Run) -> None:
    calls = calls_of(record, "route-heuristic")
    assert ((calls["route_score"] >= 0.5) == (calls["route_tier"] == "large")).all()
    assert calls["route_why"].str.contains("words|longest|mean").any()


def test_a_cascade_that_stays_with_small_answers_as_small_alone_would_but_later(record: Run) -> None:
    small, cascade = calls_of(record, "route-small"), calls_of(record, "route-cascade")
    stayed = cascade[~cascade["escalated"].astype(bool)]
    assert len(stayed) > len(cascade) / 2
    alone = small.loc[stayed.index]
    assert (stayed["answer_right"] == alone["answer_right"]).all()
    assert (stayed["cost_nusd"] == alone["cost_nusd"]).all()
    assert stayed["first_s"].to_numpy() == pytest.approx(alone["end_s"].to_numpy(), abs=0.05)


def test_a_cascade_that_escalates_pays_for_both(record: Run) -> None:
    cascade, small, large = (calls_of(record, f"route-{name}") for name in ("cascade", "small", "large"))
    both = cascade[cascade["escalated"].astype(bool)]
    assert len(both)
    paid = small.loc[both.index, "cost_nusd"] + large.loc[both.index, "cost_nusd"]
    assert (both["cost_nusd"] == paid).all()


def test_the_books_agree_and_the_page_shows_quality_against_cost(record: Run) -> None:
    analysis = analyse(record)
    summary = analysis.summary
    for subject in summary.subjects.values():
        assert (subject.number("success_rate"), subject.number("reconciliation_gross_error_usd")) == (1, 0)
    assert summary.value("route-cascade", "saving_at_equal_quality") is not None
    assert "Quality against cost" in render(analysis)


def test_the_routers_that_learn_and_check_repeat_call_by_call(record: Run, tmp_path: Path) -> None:
    """The whole record, for any subject, in another process too: tests/parity/test_determinism.py."""
    names = ("route-heuristic", "route-cascade")
    again = played(make_spec(RunOptions(scenario="routing", duration_s=SECONDS, stacks=names)), tmp_path)
    for table in ("calls", "attempts", "ledger"):
        for name in names:
            first, second = (rows_of(of, table, name) for of in (record, again))
            assert len(first) > 10
            pd.testing.assert_frame_equal(first, second)
