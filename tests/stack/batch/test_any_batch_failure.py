"""Kind D as a property: in whatever way a batch goes wrong, each call gets its own answer, or an error where
that is wanted; each attempt is settled once; the money is the provider's bill, or marked as an estimate.

Sources: BYK/loreai#164 (a whole batch fails), llm-d-batch-gateway#147 (results cannot be read), sglang#4026
(duplicate ids), openai-python#2084 (enqueued tokens).
"""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.stack.batch.ids import attempt_id
from harness.stack.core.errors import StackError
from harness.stack.upstream.transport import make_transport
from tests.stack.batch.meddling import Meddler, Plan, plans
from tests.stack.batch.providers import Providers, play
from tests.stack.batch.test_batch_queue import Asking, both

LENGTHS = (8, 20, 33, 47)
IDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=4, max_size=4)
"""Four calls that may have one id; each asks another question."""


class Asked:
    """Four calls in one batch, over a transport that meddles with it."""

    def __init__(self, world: Providers, provider: str, plan: Plan, **batch: Any) -> None:
        self.world = world
        self.meddler = Meddler(make_transport(), plan)
        budget = [{"period": "month", "hard_usd": "10"}]
        self.process = Asking(world, provider, transport=self.meddler, batch=batch, budget=budget)
        self.answers: list[str | BaseException] = []

    async def ask(self, *ids: str) -> None:
        process = self.process
        calls = (process.ask(id, tokens=n) for id, n in zip(ids, LENGTHS, strict=True))
        self.answers = list(await asyncio.gather(*calls, return_exceptions=True))
        await asyncio.sleep(200_000)  # batches that were left behind come to their end
        await process.stack.aclose()
        await self.meddler.aclose()

    def assert_each_has_its_own_answer(self) -> None:
        assert not [each for each in self.answers if isinstance(each, BaseException)]
        answered = [facts.answered_by for facts in self.process.told]
        lengths = [each.output_tokens for each in answered if each is not None]
        assert sorted(lengths) == sorted(LENGTHS)
        texts = Counter(len(str(each)) // 4 for each in self.answers)
        assert len(texts) == len(LENGTHS)


def assert_the_money_is_right(process: Asking, world: Providers) -> None:
    attempts = [each for facts in process.told for each in facts.attempts]
    assert all(each.outcome is not None and each.end_s is not None for each in attempts)
    billed: Counter[str] = Counter()
    for row in world.app.ledger.rows:
        if row.attempt_id:
            id = attempt_id(row.attempt_id) if row.batch_id else row.attempt_id
            billed[id] += row.cost_nusd
    for id in sorted({each.attempt_id for each in attempts}):
        same = [each for each in attempts if each.attempt_id == id]
        if all(each.usage_known for each in same):
            assert sum(each.cost_nusd for each in same) == billed[id]
    account = process.backend.peek("budget/month-1")
    assert account.reserved_nusd == 0
    assert account.spent_nusd == sum(each.cost_nusd for each in attempts)


def run(provider: str, plan: Plan, ids: list[str], **batch: Any) -> Asked:
    runs: list[Asked] = []

    async def scene(world: Providers) -> None:
        runs.append(Asked(world, provider, plan, **batch))
        await runs[0].ask(*ids)

    play(scene, completion={"kind": "constant", "value_s": 900.0})
    return runs[0]


@both
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans(), ids=IDS)
@example(plan=Plan(forever={"create": "503"}), ids=list("abca"))
@example(plan=Plan({"create": ["answer lost"]}, {"list": "503"}), ids=list("abca"))
@example(plan=Plan({"create": ["answer lost"]}), ids=list("abca"))
@example(plan=Plan(limited=3), ids=list("abca"))
@example(plan=Plan(limited=1_000), ids=list("abca"))
@example(plan=Plan(forever={"status": "503"}), ids=list("abca"))
@example(plan=Plan(forever={"results": "404"}), ids=list("abca"))
@example(plan=Plan(lines=("twist",)), ids=list("aaaa"))
def test_every_call_gets_its_own_answer_whatever_happens_to_its_batch(
    provider: str, plan: Plan, ids: list[str]
) -> None:
    asked = run(provider, plan, ids)
    asked.assert_each_has_its_own_answer()
    assert_the_money_is_right(asked.process, asked.world)


@both
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans(), ids=IDS)
def test_where_failing_is_wanted_a_call_has_its_own_answer_or_an_error(
    provider: str, plan: Plan, ids: list[str]
) -> None:
    asked = run(provider, plan, ids, on_failure="fail")
    assert_the_money_is_right(asked.process, asked.world)
    failed = [each for each in asked.answers if isinstance(each, BaseException)]
    assert all(isinstance(each, StackError) for each in failed)
    lengths = {
        facts.answered_by.output_tokens
        for facts in asked.process.told
        if facts.outcome == "success" and facts.answered_by is not None
    }
    assert lengths <= set(LENGTHS)
    assert len(lengths) == len(LENGTHS) - len(failed)


@both
@pytest.mark.parametrize("limited", [1, 3])
def test_a_batch_over_the_limit_of_enqueued_tokens_is_sent_again_later(provider: str, limited: int) -> None:
    """openai-python#2084: "Please try again once some in_progress batches have been completed"."""
    asked = run(provider, Plan(limited=limited), list("abcd"))
    asked.assert_each_has_its_own_answer()
    assert [len(facts.attempts) for facts in asked.process.told] == [1] * 4
    assert len(asked.world.rows) == 4
    asked.process.assert_paid_exactly(asked.world)


@both
def test_a_limit_that_does_not_pass_sends_the_calls_live_in_time_for_nothing(provider: str) -> None:
    asked = run(provider, Plan(limited=1_000), list("abcd"))
    asked.assert_each_has_its_own_answer()
    for facts in asked.process.told:
        assert [(each.outcome, each.cost_nusd > 0) for each in facts.attempts] == [
            ("failed", False),
            ("success", True),
        ]
        assert facts.end_s is not None
        assert 40_000 < facts.end_s - facts.started_s < 86_400
    assert asked.world.rows == []


@both
@pytest.mark.parametrize("what", ["status", "results"])
def test_a_batch_that_cannot_be_read_is_estimated_and_marked(provider: str, what: str) -> None:
    """llm-d-batch-gateway#147: the batch ends, and its results cannot be fetched."""
    asked = run(provider, Plan(forever={what: "404"}), list("abcd"))
    asked.assert_each_has_its_own_answer()
    for facts in asked.process.told:
        assert [(each.outcome, each.usage_known, each.cost_nusd > 0) for each in facts.attempts] == [
            ("failed", False, True),
            ("success", True, True),
        ]


@both
def test_a_batch_that_does_not_end_in_time_leaves_its_calls_time_to_go_live(provider: str) -> None:
    async def scene(world: Providers) -> None:
        process = Asking(world, provider, budget=[{"period": "month", "hard_usd": "10"}])
        started_s = asyncio.get_running_loop().time()
        assert await process.ask("a", tokens=20)
        waited_s = asyncio.get_running_loop().time() - started_s
        assert 86_400 - 600 <= waited_s < 86_400 - 500
        await asyncio.sleep(100_000)
        await process.stack.aclose()
        assert_the_money_is_right(process, world)
        attempts = process.told[0].attempts
        assert [(each.outcome, each.usage_known) for each in attempts] == [("success", True)] * 2

    play(scene, completion={"kind": "constant", "value_s": 90_000.0}, expires_s=180_000.0)
