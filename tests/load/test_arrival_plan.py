"""The plan: the same for the same seed everywhere, prefix-stable, small on disk, split without loss."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.load.arrivals import ConstantArrivals, PoissonArrivals, TraceArrivals
from harness.load.plan import PlannedCall, describe, make_plan
from harness.load.plan_file import read_plan, write_plan
from harness.load.trace import Trace, TraceRow
from harness.load.traces.reading import read_trace
from harness.load.workload.catalogue import is_right
from harness.load.workload.options import Workload, WorkloadOptions, load_workload
from harness.load.workload.prompt import count_tokens
from tests.paths import DATA

WORKLOAD = load_workload(WorkloadOptions())
POISSON = PoissonArrivals(rate_per_s=20)
TRACE = Trace("hour.csv", tuple(TraceRow(n / 4, 50 + 20 * (n % 3), 5 * n) for n in range(400)))
REAL = DATA / "AzureLLMInferenceTrace_conv.csv"

DIGEST = """
import hashlib
from harness.load.arrivals import PoissonArrivals
from harness.load.plan import make_plan
from harness.load.workload.options import WorkloadOptions, load_workload
plan = make_plan(PoissonArrivals(rate_per_s=20), load_workload(WorkloadOptions(tenants=4)), 7, 20)
print(hashlib.sha256(repr([(call, call.messages) for call in plan]).encode()).hexdigest())
"""


def workload(**options: object) -> Workload:
    return replace(WORKLOAD, options=WorkloadOptions.model_validate(options))


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    plan = make_plan(POISSON, WORKLOAD, 7, 30)
    assert plan == make_plan(POISSON, WORKLOAD, 7, 30)
    other = make_plan(POISSON, WORKLOAD, 8, 30)
    assert [call.at_s for call in plan] != [call.at_s for call in other]
    assert [call.question_id for call in plan[:100]] != [call.question_id for call in other[:100]]


def test_a_plan_does_not_depend_on_pythonhashseed() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert digests[0] == digests[1] != ""


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.floats(0, 10), st.floats(0, 10))
def test_a_longer_plan_starts_with_the_shorter_one(seed: int, a: float, b: float) -> None:
    shorter, longer = (make_plan(POISSON, WORKLOAD, seed, duration_s) for duration_s in sorted((a, b)))
    assert longer[: len(shorter)] == shorter


def test_the_rate_of_arrivals_changes_when_calls_start_and_not_what_they_ask() -> None:
    slow, fast = (make_plan(ConstantArrivals(rate_per_s=rate), WORKLOAD, 7, 10) for rate in (5, 20))
    assert [replace(call, at_s=0) for call in slow] == [replace(call, at_s=0) for call in fast[: len(slow)]]


def test_calls_are_numbered_in_the_order_of_their_start() -> None:
    plan = make_plan(POISSON, WORKLOAD, 7, 30)
    assert [call.n for call in plan] == list(range(len(plan)))
    assert plan[12].call_id == "c000012"
    assert [call.at_s for call in plan] == sorted(call.at_s for call in plan)


def test_a_call_knows_its_question_and_the_answer_to_expect() -> None:
    by_id = {question.id: question for question in WORKLOAD.questions}
    for call in make_plan(POISSON, WORKLOAD, 7, 10):
        question = by_id[call.question_id]
        assert (call.difficulty, call.expected) == (question.difficulty, question.answer)
        assert call.messages[-1][1].split("\n")[-2] == f"Question: {question.question}"
        assert call.input_tokens == count_tokens(call.messages)
        assert not is_right(call.messages[-1][1], call.expected)


def test_calls_that_bring_their_own_notes_repeat_no_other_prompt() -> None:
    plan = make_plan(POISSON, workload(fresh_share=1.0), 7, 60)
    assert len({call.messages for call in plan}) == len(plan)


def test_the_share_of_fresh_prompts_is_the_share_asked_for() -> None:
    plan = make_plan(POISSON, workload(fresh_share=0.5), 7, 200)
    own = {call.question_id: call.messages for call in make_plan(POISSON, workload(fresh_share=0.0), 7, 200)}
    repeats = sum(own.get(call.question_id) == call.messages for call in plan)
    assert repeats / len(plan) == pytest.approx(0.5, abs=0.03)


def test_a_repeated_question_is_the_same_prompt() -> None:
    plan = make_plan(POISSON, workload(fresh_share=0.0), 7, 60)
    prompts = {(call.question_id, call.messages) for call in plan}
    assert len(plan) > len(prompts) == len({call.question_id for call in plan})


def test_options_of_the_workload_reach_every_call() -> None:
    plan = make_plan(
        POISSON, workload(max_tokens=99, max_output_tokens=60, stream=False, system_prompt="Hi."), 7, 20
    )
    assert {(call.max_tokens, call.stream, call.messages[0]) for call in plan} == {
        (99, False, ("system", "Hi."))
    }
    assert max(call.output_tokens for call in plan) == 60


def test_tenants_share_the_calls_evenly() -> None:
    tenants = Counter(call.tenant for call in make_plan(POISSON, workload(tenants=4), 7, 200))
    assert sorted(tenants) == ["tenant-1", "tenant-2", "tenant-3", "tenant-4"]
    assert all(calls == pytest.approx(1_000, rel=0.1) for calls in tenants.values())


def test_with_a_trace_each_call_has_the_recorded_time_and_lengths() -> None:
    plan = make_plan(TraceArrivals(), workload(max_output_tokens=1_000), 7, 80, TRACE)
    assert len(plan) == 320
    for call, row in zip(plan, TRACE.rows, strict=False):
        bare = count_tokens(replace(call.prompt, filler_chars=0).messages)
        assert call.at_s == row.at_s
        assert call.input_tokens == max(row.input_tokens, bare)
        assert call.output_tokens == min(1_000, max(1, row.output_tokens))


def test_with_a_trace_prompts_repeat_only_when_lengths_and_question_repeat() -> None:
    rows = tuple(TraceRow(float(n), 300 + n % 2, 50) for n in range(300))
    plan = make_plan(TraceArrivals(), WORKLOAD, 7, 300, Trace("two lengths", rows))
    kinds = {(call.question_id, call.n % 2) for call in plan}
    assert len({call.messages for call in plan}) == len(kinds) < len(plan)


def test_different_prompts_have_only_the_system_prompt_in_common() -> None:
    rows = tuple(TraceRow(float(n), 2_000 + n % 2, 50 + n % 3) for n in range(100))
    for plan in (
        make_plan(TraceArrivals(), WORKLOAD, 7, 100, Trace("alike", rows)),
        make_plan(POISSON, WORKLOAD, 7, 30),
    ):
        filled = {call.messages for call in plan if call.prompt.filler_chars > 100}
        assert len({messages[1][1][:40] for messages in filled}) == len(filled) > 20


def test_an_empty_run_has_an_empty_plan() -> None:
    assert make_plan(POISSON, WORKLOAD, 7, 0) == []


@pytest.mark.parametrize("part", [slice(None), slice(3, None, 4), slice(0, 0)])
def test_a_plan_or_a_part_of_it_reads_as_it_was_written(tmp_path: Path, part: slice) -> None:
    plan = make_plan(TraceArrivals(), workload(tenants=3, system_prompt="Zwölf\n“Zeilen”"), 7, 99, TRACE)[
        part
    ]
    write_plan(tmp_path / "plan.ndjson", plan)
    read = read_plan(tmp_path / "plan.ndjson")
    assert read == plan
    assert [call.messages for call in read] == [call.messages for call in plan]


def test_a_long_system_prompt_is_stored_once(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.ndjson", make_plan(POISSON, workload(system_prompt="word " * 2_000), 7, 10))
    assert (tmp_path / "plan.ndjson").read_text().count("word " * 2_000) == 1


@pytest.mark.parametrize("line", ["{", "[]", "7", "{}", '{"text": 0}', '{"n": 1, "prompt": {"system": 0}}'])
def test_a_file_that_is_no_plan_is_bad_input_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "plan.ndjson"
    path.write_text('{"text": 0, "is": "Be brief."}\n' + line + "\n")
    with pytest.raises(InputError, match=r"plan\.ndjson line 2: expected a call or a text of a plan$"):
        read_plan(path)


def test_a_missing_plan_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\); expected a plan"):
        read_plan(tmp_path / "absent.ndjson")


def test_arrivals_and_workload_are_described_together() -> None:
    arrivals, traffic = describe(TraceArrivals(), WORKLOAD, TRACE)
    assert arrivals == "the recorded times of hour.csv"
    assert "token lengths of each call from hour.csv" in traffic


def test_trace_arrivals_need_a_trace() -> None:
    with pytest.raises(InputError, match="expected --trace FILE"):
        make_plan(TraceArrivals(), WORKLOAD, 7, 10)


@pytest.mark.skipif(not REAL.exists(), reason="the public Azure trace is not at hand (../shared/data)")
def test_the_real_hour_is_planned_call_by_call(tmp_path: Path) -> None:
    trace = read_trace(REAL)
    plan = make_plan(TraceArrivals(), WORKLOAD, 7, 3_600, trace)
    assert len(plan) == 19_366
    assert sum(call.output_tokens for call in plan) == 4_088_665
    wanted = sum(row.input_tokens for row in trace.rows)
    assert wanted <= sum(call.input_tokens for call in plan) <= 1.01 * wanted
    write_plan(tmp_path / "hour.ndjson", plan)
    assert (tmp_path / "hour.ndjson").stat().st_size < 8_000_000
    assert read_plan(tmp_path / "hour.ndjson") == plan


def test_a_planned_call_is_hashable_and_frozen() -> None:
    call: PlannedCall = make_plan(POISSON, WORKLOAD, 7, 1)[0]
    assert hash(call) == hash(make_plan(POISSON, WORKLOAD, 7, 1)[0])
    with pytest.raises(AttributeError):
        call.at_s = 1.0  # type: ignore[misc]  # assigning is what must fail
