"""Ids of prompt blocks become common prefixes, as long as in the trace, that providers' caches find."""

from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.arrivals import TraceArrivals
from harness.load.plan import PlannedCall, make_plan
from harness.load.plan_file import read_plan, write_plan
from harness.load.trace import Trace, TraceRow
from harness.load.traces.reading import read_trace
from harness.load.workload.options import WorkloadOptions, load_workload
from harness.load.workload.prompt import count_tokens
from mock_providers.exchange.request import Message
from mock_providers.prompt_cache.cache import Automatic, AutomaticCache
from tests.paths import DATA

MOONCAKE = DATA / "mooncake_conversation_trace.jsonl"
WORKLOAD = load_workload(WorkloadOptions(max_output_tokens=4096))
BLOCK = 512
ENDING_TOKENS = 60
"""More than the question and the line about the length of the reply take."""


def plan_of(rows: list[TraceRow], block_tokens: int = BLOCK) -> list[PlannedCall]:
    return make_plan(TraceArrivals(), WORKLOAD, 7, 1e9, Trace("t", tuple(rows), block_tokens))


def tokens_alike(a: PlannedCall, b: PlannedCall) -> int:
    """Whole tokens of the common prefix: those of the request, the system message, then the user's."""
    (_, system), (_, text) = a.messages
    other = b.messages[-1][1]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False)))
    return count_tokens((("system", system), ("user", ""))) + same // 4


@given(
    shared=st.integers(0, 6),
    own=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    rest=st.tuples(st.integers(ENDING_TOKENS, BLOCK), st.integers(ENDING_TOKENS, BLOCK)),
    block_tokens=st.sampled_from([64, BLOCK]),
)
def test_prompts_are_alike_for_exactly_the_blocks_that_they_share(
    shared: int, own: tuple[int, int], rest: tuple[int, int], block_tokens: int
) -> None:
    rows = []
    for n in range(2):
        ids = [*range(shared), *(1000 * (n + 1) + k for k in range(own[n]))]
        length = max(block_tokens * (len(ids) - 1) + min(rest[n], block_tokens), 150)
        rows.append(TraceRow(float(n), length, 20, prefix=tuple(ids)))
    a, b = plan_of(rows, block_tokens)
    assert [a.input_tokens, b.input_tokens] == [row.input_tokens for row in rows]
    assert [count_tokens(call.messages) for call in (a, b)] == [row.input_tokens for row in rows]
    opening = count_tokens((("system", WORKLOAD.system_prompt), ("user", "")))
    least = max(shared * block_tokens, opening)
    assert least <= tokens_alike(a, b) <= least + 30 // 4  # "Reference " and a few digits may agree


def test_a_repeated_prompt_is_repeated_to_the_letter_and_asks_the_same() -> None:
    rows = [TraceRow(float(n), 1_300, 20, prefix=(1, 2, 3)) for n in range(3)]
    rows.append(TraceRow(9.0, 1_300, 20, prefix=(1, 2, 4)))
    first, *again, other = plan_of(rows)
    assert all((call.messages, call.expected) == (first.messages, first.expected) for call in again)
    assert other.messages != first.messages


def test_a_plan_file_keeps_the_blocks(tmp_path: Path) -> None:
    plan = plan_of([TraceRow(0.0, 1_300, 20, "anna", (1, 2, 3)), TraceRow(1.0, 90, 20)])
    write_plan(tmp_path / "plan", plan)
    again = read_plan(tmp_path / "plan")
    assert again == plan
    assert [call.messages for call in again] == [call.messages for call in plan]
    assert [call.session for call in again] == ["anna", ""]


@pytest.mark.skipif(not MOONCAKE.exists(), reason="the Mooncake trace is not at hand (../shared/data)")
def test_a_providers_cache_finds_what_the_real_trace_shares() -> None:
    trace = read_trace(MOONCAKE, duration_s=180)
    cache = AutomaticCache(Automatic(min_tokens=512, step_tokens=128, idle_s=1e9, max_age_s=1e9))
    read = 0
    for call in make_plan(TraceArrivals(), WORKLOAD, 7, 180, trace):
        use = cache.look_up(tuple(Message.of(role, text) for role, text in call.messages), call.at_s)
        cache.commit(use, call.at_s)
        read += use.read_tokens
    assert trace.read is not None
    assert trace.read.shared_input_share is not None
    assert trace.read.shared_input_share > 0.1
    assert read / trace.read.input_tokens.total == pytest.approx(trace.read.shared_input_share, abs=0.01)
