"""A batch comes to its end whatever breaks, is paid once, and costs half, to the nano-dollar."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.stack.batch.journal import BilledResult, Journal
from harness.stack.batch.options import BatchClientOptions
from harness.stack.core.errors import ProviderError
from tests.stack.batch.providers import PRICES, Providers, play, requests

both = pytest.mark.parametrize("provider", list(PRICES))


def kinds(results: list[BilledResult]) -> Counter[str]:
    return Counter("answered" if each.result.error is None else each.result.error.kind for each in results)


@both
def test_every_request_is_answered_in_order_at_half_the_price(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        results = await client.results(await client.submit("b1", provider, requests(provider, 20)))
        assert [each.result.custom_id for each in results] == [f"line-{n}" for n in range(20)]
        assert kinds(results) == {"answered": 20}
        for n, each in enumerate(results):
            assert each.result.answer is not None
            usage = each.result.answer.finish.usage
            assert usage is not None
            assert usage.output_tokens == 5 + n
        world.assert_paid_exactly(results)
        assert await client.results(Journal(tmp_path).states()[0]) == results

    play(scene)


@both
def test_a_request_that_is_wrong_or_fails_takes_no_other_with_it(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        results = await client.results(await client.submit("b1", provider, requests(provider, 40, bad=7)))
        seen = kinds(results)
        assert seen.keys() == {"answered", "bad_request", "server_error"}
        assert results[7].result.error is not None
        assert results[7].result.error.kind == "bad_request"
        assert all(each.cost_nusd == 0 for each in results if each.result.error is not None)
        assert seen["answered"] == sum(row.status == 200 for row in world.rows)
        world.assert_paid_exactly(results)

    play(scene, failure_share=0.2)


@both
def test_what_the_provider_did_not_get_to_expired_and_is_not_billed(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        results = await client.results(await client.submit("b1", provider, requests(provider, 40)))
        seen = kinds(results)
        assert seen.keys() == {"answered", "batch_expired"}
        assert seen["answered"] == len(world.rows)
        world.assert_paid_exactly(results)

    play(scene, expires_s=600.0)


@both
def test_a_cancelled_batch_keeps_and_bills_what_was_done(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        state = await client.submit("b1", provider, requests(provider, 40))
        await asyncio.sleep(500)
        await client.cancel(state)
        results = await client.results(state)
        assert kinds(results).keys() == {"answered", "batch_cancelled"}
        world.assert_paid_exactly(results)
        await client.cancel(state)  # it has ended: too late is fine

    play(scene)


def test_a_batch_whose_input_is_refused_says_why_for_each_request(tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        twice = requests("openai", 2)
        twice[1] = twice[1]._replace(custom_id=twice[0].custom_id)
        results = await client.results(await client.submit("b1", "openai", twice))
        assert kinds(results) == {"batch_failed": 2}
        assert "unique" in str(results[0].result.error)

    play(scene)


@both
def test_polls_that_fail_tell_nothing_and_the_next_one_comes(provider: str, tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        results = await client.results(await client.submit("b1", provider, requests(provider)))
        assert kinds(results) == {"answered": 5}
        world.assert_paid_exactly(results)

    play(scene, [{"kind": "http_error", "status": 503, "endpoint": "batches", "from_s": 10, "to_s": 4_000}])


@both
def test_a_batch_that_cannot_be_sent_stays_in_the_journal_for_the_next_try(
    provider: str, tmp_path: Path
) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path, submit_attempts=2, poll_s=1)
        with pytest.raises(ProviderError) as error:
            await client.submit("b1", provider, requests(provider))
        assert error.value.kind == "overloaded"
        [state] = client.unfinished()
        await asyncio.sleep(100)
        results = await client.results(state)
        assert kinds(results) == {"answered": 5}
        assert (world.batches, client.unfinished()) == (1, [])
        world.assert_paid_exactly(results)

    play(scene, [{"kind": "http_error", "status": 503, "from_s": 0, "to_s": 50}])


@both
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(deaths=st.lists(st.integers(0, 400).map(lambda n: n / 20) | st.floats(0, 3_000), max_size=4))
def test_a_process_that_dies_at_any_time_goes_on_where_it_was_and_pays_once(
    provider: str, tmp_path_factory: pytest.TempPathFactory, deaths: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("journal")

    async def scene(world: Providers) -> None:
        results: list[BilledResult] = []

        async def process(seed: int) -> None:
            client = world.client(folder, seed)
            states = Journal(folder).states()
            state = states[0] if states else await client.submit("b1", provider, requests(provider, 8))
            results[:] = await client.results(state)

        for n, lives_s in enumerate(deaths):
            living = asyncio.ensure_future(process(n))
            await asyncio.wait([living], timeout=lives_s)
            living.cancel()
            await asyncio.wait([living])
        await process(99)
        assert kinds(results) == {"answered": 8}
        assert world.batches == 1
        world.assert_paid_exactly(results)

    play(scene)


@both
def test_a_batch_whose_answer_was_lost_is_found_again_not_sent_again(provider: str, tmp_path: Path) -> None:
    """The provider created the batch; the connection broke before its response."""

    async def scene(world: Providers) -> None:
        api = world.lanes[provider].api
        client = world.client(tmp_path, poll_s=1)
        other = await client.submit("b0", provider, requests(provider))
        lost: list[str] = []
        submit = type(api).submit

        async def loses_one(self: Any, key: str, asked: Any) -> str:
            made = await submit(self, key, asked)
            if not lost:
                lost.append(made)
                raise ProviderError("connection", "reset by peer")
            return made

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(api), "submit", loses_one)
            state = await client.submit("b1", provider, requests(provider))
        assert (state.batch_id, lost) == (lost[0], [state.batch_id])
        assert state.batch_id != other.batch_id
        results = await client.results(state), await client.results(other)
        assert world.batches == 2
        world.assert_paid_exactly(*results)

    play(scene)


def test_a_half_written_file_is_never_read(tmp_path: Path) -> None:
    async def scene(world: Providers) -> None:
        client = world.client(tmp_path)
        await client.submit("b1", "openai", requests("openai"))
        (tmp_path / ".b2.state.json.part").write_text('{"key": "b2", "tar')
        assert [state.key for state in world.client(tmp_path).unfinished()] == ["b1"]
        with pytest.raises(ValueError, match="expected a new key, got 'b1'"):
            await client.submit("b1", "openai", requests("openai"))
        with pytest.raises(ValueError, match="expected a key of letters"):
            await client.submit("../b1", "openai", requests("openai"))

    play(scene)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_polls_are_spread_and_never_more_than_their_longest_apart(n: int, u: float) -> None:
    options = BatchClientOptions(poll_s=60, growth=1.5, max_poll_s=600)
    wait_s = options.pause_s(n, u)
    assert 30 <= wait_s <= 900
    assert options.pause_s(n, 0.5) <= 600
