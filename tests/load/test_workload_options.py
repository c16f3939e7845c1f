"""Paraphrases, confusable questions, sessions, bursts, long system prompts; and plans without any of them."""

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import InputError
from harness.load.arrivals import (
    Arrivals,
    ConstantArrivals,
    DiurnalArrivals,
    PoissonArrivals,
    TraceArrivals,
)
from harness.load.plan import PlannedCall, make_plan
from harness.load.plan_file import read_plan, write_plan
from harness.load.trace import Trace, TraceRow
from harness.load.workload.catalogue import is_right
from harness.load.workload.handbook import handbook
from harness.load.workload.options import (
    SYSTEM_PROMPT,
    Workload,
    WorkloadOptions,
    describe_workload,
    load_workload,
)
from harness.load.workload.prompt import count_tokens
from harness.spec.scenario import parse_scenario
from mock_providers import load_catalogue
from mock_providers.exchange import tokens

POISSON = PoissonArrivals(rate_per_s=20)
LARGE = load_workload(WorkloadOptions(catalogue="questions.jsonl"))
BY_ID = {question.id: question for question in LARGE.questions}

TRACE = Trace("hour.csv", tuple(TraceRow(n / 4, 50 + 20 * (n % 3), 5 * n) for n in range(400)))
OUTAGE = WorkloadOptions(zipf_s=1.0, lengths="azure-conversation", max_output_tokens=480)
PLANS_BEFORE: dict[str, tuple[Arrivals, WorkloadOptions, Trace | None]] = {
    "962b06ea5b000108": (PoissonArrivals(rate_per_s=20), OUTAGE, None),
    "bc8b913ee22e9473": (PoissonArrivals(rate_per_s=10), OUTAGE, None),
    "7261fe9810d0648f": (DiurnalArrivals(rate_per_s=1), OUTAGE, None),
    "638042eef10ad76e": (
        ConstantArrivals(rate_per_s=10),
        WorkloadOptions(tenants=4, zipf_s=1.3, fresh_share=0.3, lengths="azure-code", stream=False),
        None,
    ),
    "0c797ddde2992632": (TraceArrivals(), WorkloadOptions(), TRACE),
}
"""A minute's plan of traffic as in `outage`, `hedging`, `day` and others, made before there were these."""


def workload(**options: object) -> Workload:
    return replace(LARGE, options=WorkloadOptions.model_validate({"fresh_share": 0.0} | options))


def plan(duration_s: float = 60.0, seed: int = 7, **options: object) -> list[PlannedCall]:
    return make_plan(POISSON, workload(**options), seed, duration_s)


def question_of(call: PlannedCall) -> str:
    return call.messages[-1][1].split("\n")[-2].removeprefix("Question: ")


@pytest.mark.parametrize("digest", PLANS_BEFORE)
def test_a_workload_that_uses_none_of_the_options_has_the_plan_it_had(digest: str) -> None:
    arrivals, options, trace = PLANS_BEFORE[digest]
    calls = [
        (
            call.n,
            call.call_id,
            round(call.at_s, 9),
            call.tenant,
            call.question_id,
            call.difficulty,
            call.expected,
            call.max_tokens,
            call.stream,
            call.messages,
        )
        for call in make_plan(arrivals, load_workload(options), 7, 60.0, trace)
    ]
    assert hashlib.sha256(repr(calls).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    "options",
    [
        {"paraphrase_share": 1.1},
        {"confusable_share": -0.1},
        {"temperature": 2.5},
        {"reply_tokens": 0},
        {"system_prompt_tokens": 0},
        {"sessions": {"turns": 0}},
        {"sessions": {}},
        {"sessions": {"turns": 2, "think_s": 0}},
        {"bursts": [{"from_s": 2, "to_s": 2}]},
        {"bursts": [{"from_s": 2, "to_s": 3, "share": 2}]},
        {"notes": False, "fresh_share": 0.5},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WorkloadOptions.model_validate(options)


def test_what_is_wrong_in_a_scenario_is_one_line_with_its_key() -> None:
    scenario = {
        "title": "t",
        "description": "d",
        "duration_s": 5,
        "subjects": ["naive"],
        "arrivals": {"kind": "poisson", "rate_per_s": 1},
    }
    bursts = [{"from_s": 3, "to_s": 2}]
    with pytest.raises(
        InputError, match=r"mine\.toml: workload\.bursts\.0.*expected to_s after from_s, got 3 to 2"
    ):
        parse_scenario(scenario | {"workload": {"bursts": bursts}}, "mine.toml")
    with pytest.raises(InputError, match=r"mine\.toml: workload.*expected fresh_share = 0"):
        parse_scenario(scenario | {"workload": {"notes": False}}, "mine.toml")


def test_the_share_of_paraphrases_is_the_share_asked_for_and_all_wordings_come_up() -> None:
    calls = plan(300, paraphrase_share=0.4)
    other = sum(question_of(call) != BY_ID[call.question_id].question for call in calls)
    assert other / len(calls) == pytest.approx(0.4, abs=0.03)
    [(most, _)] = Counter(call.question_id for call in calls).most_common(1)
    assert {question_of(call) for call in calls if call.question_id == most} == set(BY_ID[most].wordings)


def test_paraphrasing_changes_the_words_and_nothing_else() -> None:
    plain, worded = plan(paraphrase_share=0.0), plan(paraphrase_share=1.0)
    for one, other in zip(plain, worded, strict=True):
        assert question_of(one) != question_of(other)
        assert question_of(other) in BY_ID[other.question_id].paraphrases
        same = replace(other, prompt=one.prompt)
        assert same == one
        assert other.output_tokens == one.output_tokens
        assert not is_right(other.messages[-1][1], other.expected)


def test_the_same_wording_is_the_same_prompt() -> None:
    calls = plan(paraphrase_share=0.5)
    assert len({(question_of(call), call.messages) for call in calls}) == len(
        {question_of(call) for call in calls}
    )


def test_confusable_calls_ask_both_sides_of_a_pair_alike() -> None:
    calls = plan(300, confusable_share=1.0, zipf_s=1.2)
    groups = {question.id: question.group for question in LARGE.questions}
    sides = Counter((groups[call.question_id], call.question_id) for call in calls)
    assert None not in {group for group, _ in sides}
    [((most, _), _)] = sides.most_common(1)
    times = [n for (group, _), n in sides.items() if group == most]
    assert len(times) >= 2
    assert min(times) > 0.8 * max(times)


def test_a_share_of_confusable_calls_leaves_the_others_as_they_were() -> None:
    before, after = plan(), plan(confusable_share=0.3)
    changed = [one.question_id != other.question_id for one, other in zip(before, after, strict=True)]
    assert 0.2 < sum(changed) / len(changed) <= 0.33


def test_confusable_calls_need_groups() -> None:
    with pytest.raises(InputError, match=r"workload\.confusable_share: expected questions with groups in .*"):
        load_workload(WorkloadOptions(confusable_share=0.1))


def test_without_notes_a_prompt_is_its_question_and_replies_may_be_of_one_length() -> None:
    calls = plan(notes=False, reply_tokens=80, paraphrase_share=0.5)
    assert {call.output_tokens for call in calls} == {80}
    for call in calls:
        assert call.messages[-1][1] == f"Question: {question_of(call)}\nAnswer in about 80 tokens."


def test_the_temperature_reaches_every_call() -> None:
    assert {call.temperature for call in plan(temperature=0.3)} == {0.3}
    assert {call.temperature for call in plan()} == {None}


@pytest.mark.parametrize("wanted", [64, 500, 2_000, 2_001, 9_999])
@pytest.mark.parametrize("opening", ["", SYSTEM_PROMPT])
def test_a_long_system_prompt_has_exactly_the_tokens_asked_for(opening: str, wanted: int) -> None:
    text = handbook(opening, wanted)
    assert tokens.count(text) == wanted
    assert text.startswith(opening)
    assert text.endswith(".")


def test_a_system_prompt_that_is_long_already_stays_as_it_is() -> None:
    assert handbook(SYSTEM_PROMPT, 10) == SYSTEM_PROMPT
    assert handbook(SYSTEM_PROMPT, tokens.count(SYSTEM_PROMPT)) == SYSTEM_PROMPT


def test_the_handbook_tells_no_answer_and_gives_the_mock_no_sign() -> None:
    text = handbook(SYSTEM_PROMPT, 20_000)
    assert not [question.id for question in LARGE.questions if is_right(text, question.answer)]
    assert "question:" not in text.lower()
    assert "in about" not in text.lower()


def test_all_calls_share_the_long_system_prompt() -> None:
    calls = plan(system_prompt_tokens=2_000)
    [(role, text)] = {call.messages[0] for call in calls}
    assert (role, tokens.count(text)) == ("system", 2_000)
    assert all(call.input_tokens > 2_000 for call in calls)


def test_a_session_carries_its_history_along_with_right_answers() -> None:
    sessions = {"turns": 5, "think_s": 2.0, "history_turns": 3}
    calls = make_plan(ConstantArrivals(rate_per_s=0.05), workload(sessions=sessions), 7, 60)
    of_session: dict[str, list[PlannedCall]] = {}
    for call in calls:
        of_session.setdefault(call.session, []).append(call)
    assert list(of_session) == ["s000000", "s000001", "s000002"]
    for turns in of_session.values():
        assert len(turns) == 5
        assert len({turn.tenant for turn in turns}) == 1
        for nth, turn in enumerate(turns):
            roles = [role for role, _ in turn.messages]
            assert roles == ["system", *["user", "assistant"] * (3 + nth), "user"]
            assert turn.input_tokens == count_tokens(turn.messages)
        for one, following in pairwise(turns):
            assert following.messages[: len(one.messages)] == one.messages
            assert is_right(following.messages[-2][1], one.expected)
            assert tokens.count(following.messages[-2][1]) == one.output_tokens
            assert following.at_s - one.at_s >= 1.0


def test_think_time_is_as_long_as_said_on_average() -> None:
    sessions = {"turns": 40, "think_s": 4.0}
    calls = make_plan(ConstantArrivals(rate_per_s=1), workload(sessions=sessions), 7, 400)
    of_session: dict[str, list[float]] = {}
    for call in calls:
        of_session.setdefault(call.session, []).append(call.at_s)
    whole = [times for times in of_session.values() if len(times) == 40]
    gaps = [later - first for times in whole for first, later in pairwise(times)]
    assert len(gaps) > 5_000
    assert sum(gaps) / len(gaps) == pytest.approx(4.0, rel=0.03)
    assert min(gaps) >= 2.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 15), st.floats(0, 15))
def test_a_longer_plan_of_sessions_starts_with_the_shorter_one(seed: int, a: float, b: float) -> None:
    options = {
        "sessions": {"turns": 4, "think_s": 3.0, "history_turns": 1},
        "bursts": [{"from_s": 4, "to_s": 6}],
        "fresh_share": 0.5,
        "paraphrase_share": 0.5,
        "confusable_share": 0.5,
    }
    shorter, longer = (plan(duration_s, seed, **options) for duration_s in sorted((a, b)))
    assert longer[: len(shorter)] == shorter
    assert [call.n for call in longer] == list(range(len(longer)))
    assert [call.at_s for call in longer] == sorted(call.at_s for call in longer)


def test_in_a_burst_everybody_asks_the_same_which_nobody_asks_otherwise() -> None:
    bursts = [{"from_s": 10, "to_s": 12}, {"from_s": 30, "to_s": 33, "share": 0.5}]
    calls, before = plan(bursts=bursts), plan()
    inside = [[call for call in calls if start <= call.at_s < end] for start, end in ((10, 12), (30, 33))]
    [first] = {call.messages for call in inside[0]}
    [(second, times)] = Counter(call.messages for call in inside[1]).most_common(1)
    assert times / len(inside[1]) == pytest.approx(0.5, abs=0.15)
    assert first != second
    for one, other in zip(calls, before, strict=True):
        assert one == other or one.messages in {first, second}
        assert other.messages not in {first, second}


def test_a_plan_of_conversations_reads_as_it_was_written(tmp_path: Path) -> None:
    calls = plan(20, sessions={"turns": 3, "think_s": 2.0}, temperature=0.5, system_prompt_tokens=2_000)
    write_plan(tmp_path / "plan.ndjson", calls)
    read = read_plan(tmp_path / "plan.ndjson")
    assert read == calls
    assert [call.messages for call in read] == [call.messages for call in calls]
    assert (tmp_path / "plan.ndjson").read_text().count(SYSTEM_PROMPT) == 1


@pytest.mark.parametrize("options", [{"sessions": {"turns": 2}}, {"bursts": [{"from_s": 0, "to_s": 1}]}])
def test_a_trace_has_neither_sessions_nor_bursts(options: dict[str, object]) -> None:
    trace = Trace("hour.csv", (TraceRow(0.0, 100, 50),))
    [key] = options
    with pytest.raises(InputError, match=rf"^workload\.{key}: expected none, because a trace is given$"):
        make_plan(TraceArrivals(), workload(**options), 7, 10, trace)


def test_the_mock_knows_what_is_asked_in_every_plan() -> None:
    answers = load_catalogue(LARGE.catalogue)
    for call in plan(
        30, sessions={"turns": 3, "think_s": 2.0}, paraphrase_share=0.5, bursts=[{"from_s": 5, "to_s": 9}]
    ):
        known = answers.question_in(call.messages[-1][1])
        assert known is not None
        assert (known.id, known.answer) == (call.question_id, call.expected)


def test_what_is_used_is_said_in_the_description() -> None:
    used = workload(
        paraphrase_share=0.5,
        confusable_share=0.2,
        notes=False,
        reply_tokens=60,
        system_prompt_tokens=2_000,
        temperature=0.2,
        sessions={"turns": 3, "history_turns": 4},
        bursts=[{"from_s": 1, "to_s": 3}],
    )
    assert describe_workload(used) == (
        "161 questions of questions.jsonl, Zipf popularity (s = 1); no notes, repeats of a question's "
        "wording are the same prompt; planned replies up to 1,024 tokens, max_tokens 1,024, streamed; 1 "
        "tenant; 50% of calls ask in another wording; 20% ask questions that are easily confused; every "
        "prompt asks for a reply of 60 tokens; a system prompt of 2,000 tokens; temperature 0.2; sessions "
        "of 3 turns, 20 s apart on average; each starts with 4 earlier turns; 100% of calls from 1 to 3 s "
        "ask the same"
    )
