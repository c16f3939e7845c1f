from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import summarise
from reports.analysis.compare import compare
from reports.metrics import catalogue
from reports.page.by_fault import COUNTED
from reports.page.table import Row, kpi_rows
from reports.page.verdict import conditions, verdict
from reports.record.manifest import Manifest
from reports.record.run import Run
from tests.reports.synthetic import attempt, call, failed_call, ledger_row, manifest, outage_run, run_of

TABLED = [metric.name for group in catalogue() for metric in group.metrics]


def rows_by_metric(run: Run) -> dict[str, Row]:
    return {row.metric: row for row in kpi_rows(summarise(run))}


def test_every_number_of_the_summary_has_a_row_with_a_label_or_is_a_table(tmp_path: Path) -> None:
    summary = summarise(outage_run(tmp_path, calls=60))
    shown_elsewhere = {
        "calls_in_faults",
        "tier_share",
        "exact_hit_rate",
        "accounted_usd",
        "usage_unknown_attempts",
        "reconciliation_gross_error_usd",
        "unmatched_rows",
        "mismatched_attempts",
        *COUNTED,
    }
    numbers = {
        name for name, value in summary.subjects["full"].metrics.items() if not isinstance(value, dict)
    }
    assert numbers - shown_elsewhere == set(TABLED)


def test_the_table_holds_the_summarys_values_in_the_subjects_order(tmp_path: Path) -> None:
    run = outage_run(tmp_path, calls=200)
    summary = summarise(run)
    for row in kpi_rows(summary):
        for cell, name in zip(row.cells, ("naive", "full"), strict=True):
            assert cell.value == summary.subjects[name].metrics[row.metric]


def test_the_better_subject_is_marked_when_chance_does_not_explain_it(tmp_path: Path) -> None:
    rows = rows_by_metric(outage_run(tmp_path))
    success, quality = rows["success_rate"], rows["quality_rate"]
    assert [cell.best for cell in success.cells] == [False, True]
    assert success.difference is not None
    assert (success.difference.text, success.difference.tone) == ("+34.8 pp", "better")
    assert success.difference.interval == "+31.1 to +38.7 pp"
    assert [cell.best for cell in quality.cells] == [False, False]
    assert quality.difference is not None
    assert quality.difference.tone == "unclear"


def test_percentiles_of_the_same_calls_are_compared_in_pairs(tmp_path: Path) -> None:
    """Their intervals overlap (348 to 399 ms, 366 to 425 ms), but most calls of the two had the same luck."""
    difference = rows_by_metric(outage_run(tmp_path))["ttft_s_p50"].difference
    assert difference is not None
    assert (difference.text, difference.tone) == ("+32.3 ms (×1.09)", "worse")


def test_an_infinite_percentile_loses_to_any_finite_one(tmp_path: Path) -> None:
    row = rows_by_metric(outage_run(tmp_path))["ttft_s_p95_adjusted"]
    assert row.cells[0].text == "∞"
    assert [cell.best for cell in row.cells] == [False, True]
    assert row.difference is not None
    assert (row.difference.text, row.difference.tone) == ("no longer ∞", "better")


def test_a_difference_column_is_for_two_subjects_only(tmp_path: Path) -> None:
    three = rows_by_metric(outage_run(tmp_path / "3", calls=60, subjects=("naive", "retry", "full")))
    one = rows_by_metric(outage_run(tmp_path / "1", calls=60, subjects=("full",)))
    assert {row.difference for row in (*three.values(), *one.values())} == {None}


def test_two_subjects_with_the_same_facts_differ_in_nothing(tmp_path: Path) -> None:
    calls = [call(f"c{i}", subject=name) for name in ("a", "b") for i in range(30)]
    run = run_of(tmp_path, calls, subjects=("a", "b"))
    summary = summarise(run)
    differences = [compare(summary, metric, "b", "a") for metric in TABLED]
    assert {found.direction for found in differences if found is not None} == {"same"}
    (contrast,) = verdict(summary, run.manifest).contrasts
    assert (contrast.better, contrast.worse, contrast.unclear) == ((), (), ())


def test_more_cost_is_reported_as_worse_however_much_else_got_better(tmp_path: Path) -> None:
    run = outage_run(tmp_path)
    found = verdict(summarise(run), run.manifest)
    assert found.headline == (
        "Through a 10 s OpenAI outage, `full` answered 100 % of 600 calls (95 % interval 99.4–100 %) "
        "and `naive` answered 65.2 % of 600 calls (61.3–68.9 %)."
    )
    assert found.sentences[0] == (
        "Of the calls planned while the fault was active, `full` answered 100 % of 207 "
        "and `naive` answered 0 % of 207."
    )
    (contrast,) = found.contrasts
    assert "Per 1,000 calls" in [change.label for change in contrast.worse]
    assert "Attempts per call" in [change.label for change in contrast.worse]
    assert "Success" in [change.label for change in contrast.better]


def test_an_invalid_run_concludes_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, [], subjects=("naive", "full"))
    found = verdict(summarise(run), run.manifest)
    assert found.headline == "Nothing can be concluded from this run."
    assert found.contrasts == ()


def test_percentiles_of_survivors_are_flagged(tmp_path: Path) -> None:
    calls = [call(f"c{i}", subject="full") for i in range(10)]
    calls += [failed_call(f"c{i}", subject="naive") if i else call("c0", subject="naive") for i in range(10)]
    run = run_of(tmp_path, calls, subjects=("naive", "full"))
    assert any(
        "cover only the 10.0 %" in sentence for sentence in verdict(summarise(run), run.manifest).sentences
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"faults": [], "duration_s": 30.0}, "In 30 s of load"),
        ({"faults": [], "duration_s": None}, "In this run"),
        (
            {"faults": [(8, 16)], "duration_s": 30.0, "status": "partial"},
            "In the part of the run that was kept",
        ),
        ({"faults": [(8, 16)], "duration_s": 30.0}, "Through an 8 s OpenAI outage"),
        (
            {"faults": [(1, 2), (5, 60)], "duration_s": 30.0},
            "Through a 1 s OpenAI outage and a 25 s OpenAI outage",
        ),
        ({"faults": [(k, k + 1) for k in range(5)], "duration_s": 30.0}, "Through 5 scheduled faults"),
    ],
)
def test_the_headline_begins_with_what_happened(keys: dict[str, Any], words: str) -> None:
    outage = {"kind": "outage", "provider": "openai", "model": None, "probability": 1.0}
    faults = [{**outage, "from_s": float(start), "to_s": float(end)} for start, end in keys["faults"]]
    assert conditions(Manifest.model_validate(manifest("full", **{**keys, "faults": faults}))) == words


def test_a_single_subject_is_described_without_comparison(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call()], [attempt()], [ledger_row()])
    found = verdict(summarise(run), run.manifest)
    assert found.headline == "In 30 s of load, `full` answered 100 % of 1 call (95 % interval 20.7–100 %)."
    assert found.contrasts == ()
