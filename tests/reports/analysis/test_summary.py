import json
from pathlib import Path

import pytest

from reports.analysis.analyse import analyse, summarise, write_summary
from reports.analysis.summary import read_summary
from reports.record.run import RecordError, read_run, record_sha256
from reports.stats.intervals import mover, wilson
from tests.reports.synthetic import call, failed_call, outage_run, run_of


def test_the_summary_on_disk_is_the_summary_of_the_run_as_read_again(tmp_path: Path) -> None:
    run = outage_run(tmp_path, calls=120)
    path = write_summary(tmp_path)
    assert path == tmp_path / "summary.json"
    assert json.loads(path.read_text()) == summarise(run).as_json()
    assert read_summary(path) == summarise(read_run(tmp_path))


def test_the_summary_says_which_run_it_is_of_and_whether_to_believe_it(tmp_path: Path) -> None:
    run = outage_run(tmp_path, calls=120)
    summary = summarise(run).as_json()
    assert {
        key: summary[key] for key in ("schema_version", "scenario", "engine", "seed", "valid", "status")
    } == {
        "schema_version": 2,
        "scenario": "outage",
        "engine": "locust",
        "seed": 7,
        "valid": True,
        "status": "complete",
    }
    assert summary["record_sha256"] == record_sha256(run)
    assert list(summary["subjects"]) == ["naive", "full"]
    verdicts = [claim["verdict"] for claim in summary["claims"]]
    assert verdicts == ["confirmed", "confirmed", "refuted", "unmeasured"]


def test_rates_carry_their_wilson_interval_and_differences_newcombes(tmp_path: Path) -> None:
    calls = [call(f"c{i}", subject="full") for i in range(9)] + [failed_call("c9")]
    calls += [call(f"c{i}", subject="naive") for i in range(3)]
    calls += [failed_call(f"c{i}", subject="naive") for i in range(3, 10)]
    summary = summarise(run_of(tmp_path, calls, subjects=("naive", "full"))).as_json()
    assert summary["intervals"]["full"]["success_rate"] == pytest.approx(wilson(0.9, 10))
    difference = summary["differences"]["full"]["success_rate"]
    assert summary["differences"]["full"]["baseline"] == "naive"
    assert difference["difference"] == pytest.approx(0.6)
    ours, theirs = wilson(0.9, 10), wilson(0.3, 10)
    assert ours is not None
    assert theirs is not None
    assert difference["interval"] == pytest.approx(mover((0.9, *ours), (0.3, *theirs)))


def test_an_infinite_percentile_is_null_and_said_to_be_unbounded(tmp_path: Path) -> None:
    summary = summarise(run_of(tmp_path, [call(), failed_call("c1")])).as_json()
    assert summary["subjects"]["full"]["ttft_s_p95_adjusted"] is None
    assert summary["unbounded"]["full"] == ["ttft_s_p95_adjusted", "e2e_s_p95_adjusted"]
    assert summary["subjects"]["full"]["failover_s_p95"] is None


def test_numbers_are_free_of_float_noise(tmp_path: Path) -> None:
    summary = summarise(run_of(tmp_path, [call(planned_s=0.1, first_s=0.4)])).as_json()
    assert 0.4 - 0.1 != 0.3
    assert summary["subjects"]["full"]["ttft_s_p50"] == 0.3


def test_an_empty_run_is_invalid_and_no_claim_on_it_is_judged(tmp_path: Path) -> None:
    claim = {"text": "all is well", "subject": "full", "metric": "success_rate", "expected": ">= 0"}
    summary = summarise(run_of(tmp_path, [], claims=[claim])).as_json()
    assert summary["valid"] is False
    assert summary["validity"]["reasons"][0]["text"].startswith("vacuous")
    assert summary["claims"][0]["verdict"] == "not judged"
    json.dumps(summary, allow_nan=False)


def test_a_subject_without_a_single_call_makes_the_run_invalid(tmp_path: Path) -> None:
    summary = summarise(run_of(tmp_path, [call()], subjects=("full", "forgotten"))).as_json()
    assert summary["valid"] is False
    assert summary["validity"]["reasons"][0]["subject"] == "forgotten"


def test_an_analysis_is_written_without_reading_the_run_again(tmp_path: Path) -> None:
    analysis = analyse(outage_run(tmp_path, calls=60))
    (tmp_path / "run.json").unlink()
    assert read_summary(write_summary(analysis)) == analysis.summary


def test_unbounded_metrics_survive_the_file(tmp_path: Path) -> None:
    run_of(tmp_path, [call(), failed_call("c1")])
    full = read_summary(write_summary(tmp_path)).subjects["full"]
    assert full.number("ttft_s_p95_adjusted") == float("inf")
    assert full.number("failover_s_p95") is None


def test_keys_of_a_newer_minor_version_are_ignored(tmp_path: Path) -> None:
    path = write_summary(outage_run(tmp_path, calls=60).path)
    known = read_summary(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "news": {"of": "later"}}))
    assert read_summary(path) == known


@pytest.mark.parametrize("text", ["{", "[]", '{"scenario": "outage"}'])
def test_what_is_not_a_summary_is_refused_in_one_line_that_names_the_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(RecordError) as caught:
        read_summary(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
