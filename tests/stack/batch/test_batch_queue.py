"""Calls that can wait a day go into batches at half the price; none is lost or billed twice."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions, load_stack_options
from harness.stack.assembly.stack import Stack
from harness.stack.batch.ids import attempt_id, custom_id
from harness.stack.config.durations import seconds_of
from harness.stack.core.errors import ConfigError, ProviderError, Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from harness.stack.state.backend import MemoryBackend
from tests.lab.providers import MODELS
from tests.stack.batch.providers import PRICES, Providers, play

both = pytest.mark.parametrize("provider", list(PRICES))


class Asking:
    """A process with a stack that has a batch queue."""

    def __init__(
        self,
        world: Providers,
        provider: str,
        folder: Path | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        **table: Any,
    ) -> None:
        self.told: list[CallFacts] = []
        self.backend = MemoryBackend()
        batch = {"linger_s": 60, "max_requests": 10} | table.pop("batch", {})
        if folder is not None:
            batch["folder"] = str(folder)
        target = {"provider": provider, "model": MODELS[provider]}
        options = StackOptions.model_validate({"batch": batch, "target": [target], **table})
        self.stack: Stack = build(
            options, world.endpoints, transport=transport, sink=self.told.append, backend=self.backend
        )

    async def ask(self, id: str, deadline: str = "24h", tokens: int = 20) -> str:
        messages = (Message("user", f"{id}: tell me something, in about {tokens} tokens."),)
        now = asyncio.get_running_loop().time()
        call = self.stack.call(id, messages, now, deadline=deadline, max_tokens=60)
        async with await self.stack.ask(call) as reply:
            return (await reply.text())[0]

    def assert_paid_exactly(self, world: Providers) -> None:
        """Every attempt of every call costs what the provider's row of it says."""
        ours = {
            attempt.attempt_id: attempt.cost_nusd
            for facts in self.told
            for attempt in facts.attempts
            if attempt.cost_nusd
        }
        assert ours == {
            attempt_id(row.attempt_id or ""): row.cost_nusd for row in world.rows if row.cost_nusd
        }
        assert sum(ours.values()) == sum(facts.cost_nusd for facts in self.told)


@asynccontextmanager
async def asking(
    world: Providers, provider: str, folder: Path | None = None, **table: Any
) -> AsyncIterator[Asking]:
    process = Asking(world, provider, folder, **table)
    try:
        yield process
    finally:
        await process.stack.aclose()


@both
def test_calls_that_can_wait_share_batches_and_the_others_do_not_wait(provider: str) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider) as process:
            waiting = [asyncio.ensure_future(process.ask(f"c{n}")) for n in range(25)]
            assert await process.ask("now", deadline="22h")
            assert not any(call.done() for call in waiting)
            assert all(await asyncio.gather(*waiting))
        sizes = sorted(
            sum(row.batch_id == batch for row in world.rows) for batch in {r.batch_id for r in world.rows}
        )
        assert sizes == [5, 10, 10]
        assert {facts.outcome for facts in process.told} == {"success"}
        live, *batched = process.told
        assert live.call_id == "now"
        process.told = batched
        process.assert_paid_exactly(world)

    play(scene)


def test_a_lone_call_waits_for_others_no_longer_than_it_must() -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, "openai", batch={"linger_s": 600}) as process:
            call = asyncio.ensure_future(process.ask("c1"))
            await asyncio.sleep(599)
            assert not [batch for batch in world.app.ledger.rows if batch.endpoint == "batches"]
            await asyncio.sleep(2)
            assert len([row for row in world.app.ledger.rows if row.endpoint == "batches"]) == 1
            assert await call

    play(scene)


@both
def test_a_caller_who_leaves_before_the_batch_is_sent_is_not_in_it(provider: str) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider) as process:
            stays, leaves = (asyncio.ensure_future(process.ask(f"c{n}")) for n in range(2))
            await asyncio.sleep(1)
            leaves.cancel()
            assert await stays
        assert [attempt_id(row.attempt_id or "") for row in world.rows] == ["c0/1"]
        assert [(facts.call_id, facts.outcome, facts.cost_nusd > 0) for facts in process.told] == [
            ("c1", "abandoned", False),
            ("c0", "success", True),
        ]

    play(scene)


@both
def test_a_caller_who_leaves_later_is_billed_exactly(provider: str) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider) as process:
            call = asyncio.ensure_future(process.ask("c0"))
            await asyncio.sleep(100)
            call.cancel()
            await asyncio.wait([call])
            assert process.told == []  # not over yet: it may cost
            await asyncio.sleep(20_000)
        [facts] = process.told
        assert (facts.outcome, facts.attempts[0].outcome) == ("abandoned", "success")
        process.assert_paid_exactly(world)
        assert facts.cost_nusd > 0

    play(scene)


@both
def test_an_item_that_failed_in_a_batch_is_sent_live(provider: str) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider) as process:
            assert await process.ask("c0")
        [facts] = process.told
        assert [(a.kind, a.outcome, a.cost_nusd > 0) for a in facts.attempts] == [
            ("primary", "failed", False),
            ("retry", "success", True),
        ]

    play(scene, failure_share=1.0)


def test_what_failed_in_a_batch_fails_where_that_is_wanted() -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, "openai", batch={"on_failure": "fail"}) as process:
            with pytest.raises(ProviderError) as error:
                await process.ask("c0")
        assert error.value.kind == "batch_expired"
        assert process.told[0].error_kind == "batch_expired"

    play(scene, expires_s=5.0)


@both
def test_after_a_restart_calls_join_the_batch_that_they_were_in(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider, tmp_path) as process:
            calls = [asyncio.ensure_future(process.ask(f"c{n}")) for n in range(4)]
            await asyncio.sleep(200)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        async with asking(world, provider, tmp_path) as again:
            answers = await asyncio.gather(*(again.ask(f"c{n}") for n in range(4)), again.ask("new"))
        assert all(answers)
        assert world.batches == 2
        again.assert_paid_exactly(world)
        async with asking(world, provider, tmp_path) as later:  # and its results stay
            assert await later.ask("c2") == answers[2]
        assert world.batches == 2

    play(scene)


@both
def test_a_batch_reserves_half_and_spends_what_it_cost(provider: str) -> None:
    budget = {"period": "month", "hard_usd": "0.0013"}

    async def scene(world: Providers) -> None:
        async with asking(world, provider, budget=[budget]) as process:
            calls = [asyncio.ensure_future(process.ask(f"c{n}")) for n in range(3)]
            await asyncio.wait(calls)
        assert any(isinstance(call.exception(), Rejected) for call in calls)
        account = process.backend.peek("budget/month-1")
        assert account.reserved_nusd == 0
        assert account.spent_nusd == sum(row.cost_nusd for row in world.rows) > 0

    play(scene)


def test_when_the_stack_closes_what_was_sent_is_taken_to_cost_its_prompt() -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, "openai") as process:
            call = asyncio.ensure_future(process.ask("c0"))
            await asyncio.sleep(100)
        await asyncio.wait([call])
        [attempt] = process.told[0].attempts
        assert (attempt.outcome, attempt.usage_known) == ("abandoned", False)
        assert attempt.cost_nusd == -(-attempt.input_tokens * 2_500 // 2) > 0

    play(scene)


def test_a_batch_wants_a_target_with_a_batch_api(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[batch]\ntarget = 'llama'\n[[target]]\nprovider = 'openai'\nmodel = 'gpt-4o'\n")
    with pytest.raises(ConfigError, match=r"batch.target: expected one of openai, got 'llama'"):
        load_stack_options(path)


@given(
    st.text(min_size=1), st.text(min_size=1), st.integers(1, 9), st.binary(), st.binary(), st.integers(0, 2)
)
def test_an_id_names_one_question_and_fits_both_providers(
    call: str, other: str, n: int, asks: bytes, also: bytes, nth: int
) -> None:
    """A batch of another process that is taken for ours has no answer to a question of ours."""
    ours = custom_id(f"{call}/{n}", asks, nth)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", ours)
    distinct = {(call, asks, nth), (other, also, nth), (call, also, nth), (call, asks, nth + 1)}
    assert len({custom_id(f"{id}/{n}", body, m) for id, body, m in distinct}) == len(distinct)


def test_ids_come_back() -> None:
    assert attempt_id(custom_id("c000001/2", b"{}")) == "c000001/2"
    assert attempt_id("line-3") == "line-3"


def test_lengths_of_time_are_read_as_people_write_them() -> None:
    assert [seconds_of(text) for text in ("24h", "1.5 m", "2d", 30, "7s")] == [86_400, 90, 172_800, 30, 7]
    with pytest.raises(ValueError, match="such as"):
        seconds_of("a day")
