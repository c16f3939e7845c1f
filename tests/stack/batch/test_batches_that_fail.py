"""Kind D: the batch layer stands above fallback, so a batch that fails as a whole must fail nobody.

Sources: BYK/loreai#164, llm-d-batch-gateway#147, sglang#4026.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.stack.batch.http import BatchItem, ItemResult, Progress, results_in
from harness.stack.batch.openai import OpenAIBatches
from harness.stack.core.errors import ProviderError, StackError
from harness.stack.core.reply import Answer, Finish, Usage
from tests.stack.batch.providers import Providers, play
from tests.stack.batch.test_batch_queue import Asking, asking, both

AWAY = pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 503])


def away(status: int, **more: Any) -> list[dict[str, Any]]:
    """The batch endpoints refuse everything; live calls work."""
    return [{"kind": "http_error", "status": status, "endpoint": "batches", **more}]


async def ask_all(process: Asking, *ids: str) -> list[str]:
    """The answers of calls made at the same time."""
    return list(await asyncio.gather(*(process.ask(id) for id in ids)))


@both
@AWAY
def test_a_batch_that_the_provider_refuses_goes_live_and_costs_nothing(provider: str, status: int) -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, provider, budget=[{"hard_usd": 1.0}]) as process:
            answers = await ask_all(process, "c0", "c1", "c2")
        assert all(answers)
        for facts in process.told:
            assert [(a.kind, a.outcome) for a in facts.attempts] == [
                ("primary", "failed"),
                ("retry", "success"),
            ]
            assert (facts.outcome, facts.attempts[0].cost_nusd) == ("success", 0)
        live = sum(row.cost_nusd for row in world.app.ledger.rows)
        assert sum(facts.cost_nusd for facts in process.told) == live > 0
        assert world.batches == 0

    play(scene, faults=away(status))


def test_a_refused_batch_fails_its_calls_where_that_is_wanted() -> None:
    async def scene(world: Providers) -> None:
        async with asking(world, "openai", batch={"on_failure": "fail"}) as process:
            with pytest.raises(StackError) as error:
                await process.ask("c0")
        assert (error.value.kind, process.told[0].cost_nusd) == ("auth", 0)

    play(scene, faults=away(403))


@both
def test_a_refused_batch_is_not_sent_again_after_a_restart(provider: str, tmp_path: Path) -> None:
    """Its calls went live: sent again, they would be paid twice."""

    async def scene(world: Providers) -> None:
        async with asking(world, provider, tmp_path) as process:
            await ask_all(process, "c0", "c1")
        world.app.set_faults([])
        async with asking(world, provider, tmp_path) as restarted:
            await restarted.ask("c0")
        assert world.batches == 0

    play(scene, faults=away(403))


@both
@pytest.mark.parametrize("same", [True, False], ids=["one question", "two questions"])
def test_two_calls_with_one_id_get_their_own_answers(provider: str, same: bool) -> None:
    """sglang#4026: a lenient server answered both with the answer of one of them."""

    async def scene(world: Providers) -> None:
        async with asking(world, provider) as process:
            lengths = (8, 8) if same else (8, 30)
            await asyncio.gather(*(process.ask("c0", tokens=n) for n in lengths))
            outputs = sorted(attempt.output_tokens for facts in process.told for attempt in facts.attempts)
            assert outputs == sorted(lengths)
        ids = [row.attempt_id for row in world.rows]
        assert len(set(ids)) == len(ids) == 2

    play(scene)


@both
def test_after_a_restart_two_calls_with_one_id_join_their_own_items(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        first = Asking(world, provider, tmp_path)
        tasks = [asyncio.create_task(first.ask("c0", tokens=n)) for n in (8, 30)]
        await asyncio.sleep(61)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await first.stack.aclose()
        async with asking(world, provider, tmp_path) as restarted:
            await asyncio.gather(*(restarted.ask("c0", tokens=n) for n in (30, 8)))
        assert len(world.rows) == 2

    play(scene)


def test_results_that_come_twice_or_cannot_be_read_are_not_trusted(tmp_path: Path) -> None:
    answer = Answer("A", (), Finish("stop", Usage(9, 5)))

    class Lenient:
        """A batch API that answers `a` twice, `b` once, and one that was not asked."""

        async def submit(self, key: str, items: Any) -> str:
            return "b1"

        async def status(self, batch_id: str) -> Any:
            return Progress(ended=True)

        async def collect(self, progress: Any) -> list[ItemResult]:
            ids = ("a", "x", "b", "a")
            return [ItemResult(id, answer, None) for id in ids]

    async def scene(world: Providers) -> None:
        lane = world.lanes["openai"]
        world.lanes["openai"] = type(lane)(Lenient(), lane.price)  # type: ignore[arg-type]
        client = world.client(tmp_path)
        state = await client.submit("k", "openai", [BatchItem(id, b"{}") for id in "abc"])
        a, b, c = await client.results(state)
        assert a.result.error is not None
        assert (a.result.answer, a.result.error.kind) == (None, "malformed")
        assert b.result.answer == answer
        assert isinstance(c.result.error, ProviderError)

    play(scene)


async def test_a_line_that_cannot_be_read_is_no_result() -> None:
    lines = b'{"custom_id":"a","response":{"status_code":"x"}}\nnot json\n{}\n[1]\n'
    api = OpenAIBatches.__new__(OpenAIBatches)
    assert results_in(lines, api._result) == []
