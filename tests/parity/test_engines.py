"""One scenario under both engines, Locust on sockets and virtual time: the results agree.

Counts and money must be equal. That holds where no race decides, so no event of the plan lies within
`MARGIN_S` of a time that would change the outcome; a test checks the plan for that.

Times are compared by call. A call of the real run is later than its twin in virtual time, which has neither
a network nor a busy machine, and never earlier. The tolerance is the error that the run measured itself, the
99th percentile of the client's TTFT minus the provider's (`calibration`), plus a slack for its omissions: the
request's way to the provider, the load generator's scheduling, a noisy machine. Medians and 90th
percentiles are compared; maxima are noise.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from harness.spec.run_options import RunOptions
from harness.spec.run_spec import RunSpec, make_spec
from tests.lab.command import play
from tests.lab.whole_run import FROM_S, SCENARIO, SEED, TO_S, whole_run

MARGIN_S = 0.030
SUBJECTS = ("naive", "full")

SLACK_S = {"p50": 0.015, "p90": 0.060}
"""What the calibration does not contain. Measured on two cores, idle and busy: 4 to 7 ms at the median, 5 to
11 ms at the 90th percentile, all in all."""
EARLY_S = 0.001
"""Rounding of timers; on sockets nothing happens before its time. Measured: never less than 1.3 ms late."""


@dataclass(frozen=True, slots=True)
class Played:
    """One engine's run: its summary and its tables."""

    summary: dict[str, Any]
    manifest: dict[str, Any]
    calls: pd.DataFrame
    attempts: pd.DataFrame
    ledger: pd.DataFrame

    def of(self, table: str, subject: str) -> pd.DataFrame:
        """One subject's rows."""
        frame: pd.DataFrame = getattr(self, table)
        return frame[frame["subject"] == subject]


def read(folder: Path, summary: dict[str, Any]) -> Played:
    tables = [pd.read_parquet(folder / f"{name}.parquet") for name in ("calls", "attempts", "ledger")]
    return Played(summary, orjson.loads((folder / "run.json").read_bytes()), *tables)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Played, Played]:
    """(locust, virtual)"""
    # One after the other: the virtual engine would take the core that the real one is measured on.
    locust = whole_run(tmp_path_factory)
    home = tmp_path_factory.mktemp("engines")
    (home / "scenario.toml").write_text(SCENARIO)
    virtual = play(home, "scenario.toml", "--engine", "virtual", "--seed", str(SEED))
    [folder] = (home / "runs").iterdir()
    return read(*locust), read(folder, virtual)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    path = tmp_path_factory.mktemp("spec") / "scenario.toml"
    path.write_text(SCENARIO)
    return make_spec(RunOptions(scenario=str(path), engine="virtual", seed=SEED))


def test_no_event_of_the_plan_is_near_a_time_that_would_change_the_outcome(
    engines: tuple[Played, Played], spec: RunSpec
) -> None:
    """No request near an edge of the outage, no question repeated while its answer is being cached, no two
    simultaneous requests whose order decides the providers' draws."""
    _, virtual = engines
    ledger = virtual.ledger
    at_openai = ledger.loc[ledger["provider"] == "openai", "received_s"].to_numpy()
    assert min(abs(at_openai - edge_s).min() for edge_s in (FROM_S, TO_S)) > MARGIN_S
    for _, alike in ledger.groupby(["subject", "provider", "prompt_digest"]):
        assert all(later - first > MARGIN_S for first, later in pairwise(sorted(alike["received_s"])))
    ended_s: dict[Any, float] = virtual.of("calls", "full").set_index("n")["end_s"].to_dict()
    for call in spec.plan:
        for earlier in spec.plan[: call.n]:
            if earlier.prompt == call.prompt:
                assert abs(call.at_s - ended_s[earlier.n]) > MARGIN_S


def test_the_runs_are_complete_and_contain_failures(engines: tuple[Played, Played]) -> None:
    for run in engines:
        assert run.summary["status"] == "complete"
        assert run.summary["subjects"]["naive"]["success_rate"] < 0.8
        assert run.summary["subjects"]["full"]["success_rate"] == 1.0
        full = run.of("calls", "full")
        assert (full["cache"] == "exact").sum() >= 5
        assert set(run.of("attempts", "full")["kind"]) == {"primary", "retry", "fallback"}


COUNTED = [
    "calls",
    "success_rate",
    "rejected_rate",
    "error_rate_by_kind",
    "attempts",
    "retry_amplification",
    "fallback_rate",
    "provider_share",
    "cache_hit_rate",
    "exact_hit_rate",
    "input_tokens",
    "output_tokens",
    "wasted_tokens",
    "billed_usd",
    "accounted_usd",
    "reconciliation_error_usd",
    "usd_per_1k_calls",
    "usd_by_model",
    "quality_rate",
    "dropped_arrivals",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_counts_are_equal(engines: tuple[Played, Played], subject: str) -> None:
    locust, virtual = (run.summary["subjects"][subject] for run in engines)
    missing = [metric for metric in COUNTED if metric not in virtual]
    assert missing == []
    assert {name: locust[name] for name in COUNTED} == {name: virtual[name] for name in COUNTED}


CALL_FACTS = [
    "n",
    "planned_s",
    "outcome",
    "error_kind",
    "status",
    "finish_reason",
    "provider",
    "model",
    "cache",
]
CALL_FACTS += ["attempts", "cost_nusd", "input_tokens", "output_tokens", "answer_right", "question_id"]
ATTEMPT_FACTS = ["n", "kind", "provider", "model", "outcome", "error_kind", "status", "backoff_s"]
ATTEMPT_FACTS += ["input_tokens", "cached_input_tokens", "output_tokens", "usage_known", "cost_nusd"]
ROW_FACTS = ["provider", "model", "stream", "status", "error", "fault", "ended", "input_tokens"]
ROW_FACTS += ["output_tokens", "planned_output_tokens", "cost_nusd", "chunks_sent", "answer", "prompt_digest"]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    ("table", "key", "columns"),
    [
        ("calls", "call_id", CALL_FACTS),
        ("attempts", "attempt_id", ATTEMPT_FACTS),
        ("ledger", "attempt_id", ROW_FACTS),
    ],
)
def test_every_call_attempt_and_request_had_the_same_outcome(
    engines: tuple[Played, Played], subject: str, table: str, key: str, columns: list[str]
) -> None:
    locust, virtual = (
        run.of(table, subject).set_index(key)[columns].sort_index().reset_index() for run in engines
    )
    assert len(virtual) > 30
    pd.testing.assert_frame_equal(locust, virtual)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_bill_is_equal_to_the_nano_dollar(engines: tuple[Played, Played], subject: str) -> None:
    locust, virtual = (run.of("ledger", subject)["cost_nusd"].sum() for run in engines)
    assert locust == virtual > 0


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_reply_arrived_in_the_same_chunks(engines: tuple[Played, Played], subject: str) -> None:
    locust, virtual = (run.of("calls", subject).set_index("call_id")["chunk_s"].map(len) for run in engines)
    assert locust.sort_index().to_dict() == virtual.sort_index().to_dict()


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("moment", ["first_s", "end_s"])
def test_a_call_takes_as_long_in_both_within_the_runs_own_error(
    engines: tuple[Played, Played], subject: str, moment: str
) -> None:
    since_planned = [
        (calls[moment] - calls["planned_s"]).sort_index()
        for calls in (run.of("calls", subject).set_index("call_id") for run in engines)
    ]
    later_s = (since_planned[0] - since_planned[1]).dropna().to_numpy(np.float64)
    assert len(later_s) > 20
    error_s = engines[0].manifest["calibration"][subject]["ttft_error_s_p99"]
    assert later_s.min() > -EARLY_S
    assert np.quantile(later_s, 0.5) < error_s + SLACK_S["p50"]
    assert np.quantile(later_s, 0.9) < error_s + SLACK_S["p90"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_virtual_time_adds_no_latency(engines: tuple[Played, Played], subject: str) -> None:
    """The client sees a token at the time the provider sends it: the calibration error is 0."""
    calibration = engines[1].manifest["calibration"][subject]
    assert calibration["n"] > 10
    assert calibration["ttft_error_s_p99"] == pytest.approx(0.0, abs=1e-9)
