import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.record.kinds import CALL_OUTCOMES
from reports.record.manifest import Slo
from reports.record.run import CALLS, RecordError, Run, read_run, record_sha256, write_run
from reports.record.schema import ADDED
from tests.reports.synthetic import attempt, call, failed_call, ledger_row, manifest, outage_run, run_of

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_TEXT = st.text(max_size=8)
_ROW: dict[str, st.SearchStrategy[Any]] = {
    "subject": st.just("full"),
    "n": st.integers(0, 2**40),
    "tenant": _TEXT,
    "question_id": st.none() | _TEXT,
    "stream": st.booleans(),
    "planned_s": _FINITE,
    "started_s": st.none() | _FINITE,
    "outcome": st.sampled_from(CALL_OUTCOMES),
    "status": st.none() | st.integers(0, 599),
    "chunk_s": st.lists(_FINITE, max_size=4),
    "cost_nusd": st.integers(0, 2**62),
    "answer_right": st.none() | st.booleans(),
}


def _calls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call(f"c{i}", **row) for i, row in enumerate(rows)]


_CALLS = st.lists(st.fixed_dictionaries(_ROW), max_size=8).map(_calls)


def rows_of(run: Run) -> list[dict[str, Any]]:
    """The calls as plain Python values, null as None."""
    found: list[dict[str, Any]] = []
    for row in run.calls.to_dict("records"):
        plain = {str(name): list(value) if name == "chunk_s" else value for name, value in row.items()}
        found.append({k: None if not isinstance(v, list) and pd.isna(v) else v for k, v in plain.items()})
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_CALLS)
def test_what_is_written_is_what_is_read(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    written = run_of(tmp_path / "run", rows)
    read = read_run(tmp_path / "run")
    expected = [{name: row.get(name) for name in CALLS.names} for row in rows]
    assert rows_of(read) == rows_of(written) == expected
    assert record_sha256(read) == record_sha256(written)
    assert read.manifest == written.manifest


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_CALLS, order=st.randoms(use_true_random=False))
def test_the_fingerprint_does_not_depend_on_the_order_of_rows(
    rows: list[dict[str, Any]], order: Any, tmp_path: Path
) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    first, second = run_of(tmp_path / "a", rows), run_of(tmp_path / "b", shuffled)
    assert record_sha256(first) == record_sha256(second)


@pytest.mark.parametrize(
    "change",
    [
        {"end_s": 2.0000000000000004},
        {"status": None},
        {"status": 0},
        {"chunk_s": [1.4, 1.6]},
        {"error_kind": ""},
        {"answer_right": None},
        {"answer_right": False},
        {"cost_nusd": 290_001},
    ],
)
def test_the_fingerprint_depends_on_every_value_and_tells_null_from_zero(
    change: dict[str, Any], tmp_path: Path
) -> None:
    same, other = run_of(tmp_path / "a", [call()]), run_of(tmp_path / "b", [call(**change)])
    assert record_sha256(same) != record_sha256(other)


def test_moving_a_chunk_to_the_next_call_changes_the_fingerprint(tmp_path: Path) -> None:
    one = [call("a", chunk_s=[1.0, 2.0]), call("b", chunk_s=[3.0])]
    two = [call("a", chunk_s=[1.0]), call("b", chunk_s=[2.0, 3.0])]
    assert record_sha256(run_of(tmp_path / "a", one)) != record_sha256(run_of(tmp_path / "b", two))


def test_the_fingerprint_ignores_the_manifest_and_the_parquet_writer(tmp_path: Path) -> None:
    run = outage_run(tmp_path / "a", calls=50)
    before = record_sha256(run)
    path = tmp_path / "a" / "calls.parquet"
    pq.write_table(pq.read_table(path), path, compression="none", row_group_size=7, use_dictionary=False)
    raw = json.loads((tmp_path / "a" / "run.json").read_text())
    (tmp_path / "a" / "run.json").write_text(json.dumps({**raw, "started_at": "2027-02-03T04:05:06Z"}))
    assert record_sha256(read_run(tmp_path / "a")) == before


def test_the_fingerprint_of_a_known_record_never_changes(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call(), failed_call("c1")], [attempt()], [ledger_row()])
    assert record_sha256(run) == "a4bd76121a426438344f6542294eaf96a6d42bc6acedcffd08d53414da63e41a"


def test_frames_are_written_as_rows_are(tmp_path: Path) -> None:
    run = run_of(tmp_path / "a", [call(), failed_call("c1")], [attempt()], [ledger_row(None)])
    again = write_run(tmp_path / "b", run.manifest, run.calls, run.attempts, run.ledger)
    assert record_sha256(again) == record_sha256(run)


def test_columns_that_may_be_null_can_be_left_out(tmp_path: Path) -> None:
    row = {
        name: value for name, value in call().items() if name not in ("provider", "first_s", "answer_right")
    }
    run = run_of(tmp_path, [row])
    assert run.calls["provider"].isna().all()
    assert math.isnan(run.calls["first_s"].to_numpy()[0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**call(), "latency": 1}, "calls: unknown column 'latency'"),
        ({k: v for k, v in call().items() if k != "planned_s"}, "calls: column 'planned_s' is missing"),
        (call(planned_s=None), r"calls: column 'planned_s' may not be null \(row 0\)"),
        (call(status="ok"), "calls: column 'status' must be int64"),
        (call(outcome="succeeded"), "calls: column 'outcome' holds 'succeeded', expected one of success"),
        (call(subject="ghost"), "manifest: subjects does not list 'ghost', which calls has rows of"),
    ],
)
def test_a_wrong_row_is_refused_with_its_column(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=message):
        run_of(tmp_path, [row])
    assert not (tmp_path / "run.json").exists()


def test_one_call_cannot_be_recorded_twice(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="call_id 'c0' of subject 'full' appears twice"):
        run_of(tmp_path, [call(), call()])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3}, "schema_version 3 is newer than 2"),
        ({"subjects": []}, "subjects: Value error, expected at least one subject"),
        ({"subjects": [{"name": "full"}, {"name": "full"}]}, "subject names must differ"),
        ({"warmup_s": -1}, "warmup_s: Input should be greater than or equal to 0"),
        (
            {"claims": [{"text": "", "subject": "a", "metric": "b", "expected": "fast"}]},
            "claims.0.expected: ",
        ),
        ({"status": "aborted"}, "status: Input should be 'complete', 'partial' or 'broken'"),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line_with_file_and_key(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    run_of(tmp_path, [call()])
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**manifest("full"), **changes}))
    with pytest.raises(RecordError, match=message) as caught:
        read_run(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_what_a_manifest_leaves_out_has_its_default(tmp_path: Path) -> None:
    known = run_of(tmp_path, [call()], faults=[{"kind": "outage", "from_s": None, "to_s": math.inf}]).manifest
    assert known.as_json()["faults"] == [
        {"kind": "outage", "provider": None, "model": None, "from_s": 0.0, "to_s": None, "probability": 1.0}
    ]
    assert (known.warmup_s, known.status, known.slo) == (0.0, "complete", Slo(ttft_s=None, e2e_s=None))


def test_a_manifest_may_say_more_than_reports_read(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call()], note={"by": "hand"})
    assert read_run(tmp_path).manifest.as_json()["note"] == {"by": "hand"} == run.manifest.as_json()["note"]


def _no_directory(path: Path) -> None:
    for file in sorted(path.iterdir()):
        file.unlink()
    path.rmdir()


def _no_manifest(path: Path) -> None:
    (path / "run.json").unlink()


def _broken_manifest(path: Path) -> None:
    (path / "run.json").write_text("{")


def _no_ledger(path: Path) -> None:
    (path / "ledger.parquet").unlink()


def _broken_ledger(path: Path) -> None:
    (path / "ledger.parquet").write_bytes(b"PAR1 not really")


def _foreign_ledger(path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), path / "ledger.parquet")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_no_directory, "not a run directory"),
        (_no_manifest, "not a run directory, it has no run.json"),
        (_broken_manifest, "run.json: not JSON"),
        (_no_ledger, "ledger.parquet: missing from the run directory"),
        (_broken_ledger, "ledger.parquet: not a readable Parquet file"),
        (_foreign_ledger, "ledger.parquet: column 'subject' is missing"),
    ],
)
def test_what_is_not_a_run_is_refused_in_one_line_that_names_the_file(
    damage: Any, message: str, tmp_path: Path
) -> None:
    run_of(tmp_path / "run", [call()])
    damage(tmp_path / "run")
    with pytest.raises(RecordError, match=message) as caught:
        read_run(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_record_from_before_a_column_was_added_reads_as_if_nobody_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call(), failed_call("c1")], [attempt()], [ledger_row()])
    calls = pq.read_table(tmp_path / "calls.parquet")
    pq.write_table(calls.drop_columns(list(ADDED["calls"])), tmp_path / "calls.parquet")
    old = read_run(tmp_path)
    assert record_sha256(old) == record_sha256(run)
    assert old.calls[list(ADDED["calls"])].isna().all(axis=None)


def test_a_later_column_that_says_something_is_in_the_fingerprint(tmp_path: Path) -> None:
    hashes = [record_sha256(run_of(tmp_path, [call(route_tier=tier)])) for tier in (None, "small", "large")]
    assert len(set(hashes)) == 3
