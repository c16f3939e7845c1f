"""Identical concurrent calls share one upstream call, whichever of them leave."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.exact import CacheOptions, ExactCache
from harness.stack.core.background import Background
from harness.stack.core.call import Call, Next, stack
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Event, Finish, Reply, Usage
from harness.stack.money.attempt_ledger import AttemptLedger
from harness.stack.money.price import Price
from harness.stack.observe.telemetry import Telemetry
from harness.virtual import run_virtual
from tests.stack.calls import changed
from tests.stack.conftest import a_call

WORDS = ("one ", "two ", "three ", "four")
FIRST_S, GAP_S = 1.0, 0.5
PRICE = Price.per_million("1", "10")
WHOLE_S = FIRST_S + GAP_S * len(WORDS)


class Upstream:
    """Answers after a second, a word every half second; counts calls begun and cancelled."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.begun: list[str] = []
        self.let_go: list[str] = []
        self.fail = fail

    async def __call__(self, call: Call) -> Reply:
        self.begun.append(call.id)
        try:
            await asyncio.sleep(FIRST_S)
            if self.fail is not None:
                raise self.fail
        except asyncio.CancelledError:
            self.let_go.append(call.id)
            raise
        reply = Reply(Delta(WORDS[0]), self._rest())
        reply.on_end(lambda end: self.let_go.append(call.id) if end.kind == "abandoned" else None)
        return reply

    async def _rest(self) -> AsyncGenerator[Event]:
        for word in WORDS[1:]:
            await asyncio.sleep(GAP_S)
            yield Delta(word)
        await asyncio.sleep(GAP_S)
        yield Finish("stop", Usage(7, 4))


class Lab:
    """A cache over an upstream, and what its calls left behind."""

    def __init__(self, upstream: Upstream, **options: Any) -> None:
        self.upstream = upstream
        self.rows: list[CallFacts] = []
        self.background = Background()
        cache = ExactCache(CacheOptions(**options), self.background)
        self.ask: Next = stack(Telemetry(self.rows.append), cache, AttemptLedger(PRICE), send=upstream)

    def start(self, id: str, at_s: float = 0.0, **asked: Any) -> "asyncio.Task[str]":
        return asyncio.create_task(self._text(id, at_s, asked))

    async def _text(self, id: str, at_s: float, asked: dict[str, Any]) -> str:
        await asyncio.sleep(at_s)
        async with await self.ask(changed(a_call(id), **asked)) as reply:
            return (await reply.text())[0]

    def row(self, id: str) -> CallFacts:
        [row] = [row for row in self.rows if row.call_id == id]
        return row


def in_lab(check: Callable[[Lab], Awaitable[None]], fail: Exception | None = None, **options: Any) -> None:
    async def scenario() -> None:
        lab = Lab(Upstream(fail), **options)
        await check(lab)
        await lab.background.aclose()
        assert len(asyncio.all_tasks()) == 1

    run_virtual(scenario())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_identical_calls_get_the_same_stream_and_the_leader_pays() -> None:
    async def check(lab: Lab) -> None:
        texts = await asyncio.gather(*(lab.start(f"c{n}", n * 0.7) for n in range(5)))
        assert texts == ["".join(WORDS)] * 5
        assert lab.upstream.begun == ["c0"]
        assert [lab.row(f"c{n}").cache for n in range(5)] == ["miss", *["coalesced"] * 4]
        assert [bool(lab.row(f"c{n}").cost_nusd) for n in range(5)] == [True, *[False] * 4]
        assert {row.end_s - lab.rows[0].end_s for row in lab.rows if row.end_s and lab.rows[0].end_s} == {0.0}
        late = lab.start("c9")
        await late
        assert lab.row("c9").cache == "exact"

    in_lab(check)


def test_the_flight_goes_on_without_its_leader_who_pays_for_the_whole_answer() -> None:
    async def check(lab: Lab) -> None:
        leader, follower = lab.start("leader"), lab.start("follower", 0.2)
        await asyncio.sleep(1.7)
        leader.cancel()
        await asyncio.wait([leader])
        assert lab.rows == []  # its row waits for the flight
        assert await follower == "".join(WORDS)
        assert (lab.upstream.begun, lab.upstream.let_go) == (["leader"], [])
        row = lab.row("leader")
        assert (row.outcome, [each.outcome for each in row.attempts]) == ("abandoned", ["success"])
        assert (row.cost_nusd, row.end_s) == (7 * 1000 + 4 * 10_000, 1.7)
        assert lab.row("follower").cost_nusd == 0

    in_lab(check)


@pytest.mark.parametrize("leave_s", [0.5, 1.7], ids=["before the first token", "after it"])
def test_the_last_reader_that_leaves_cancels_the_upstream_call(leave_s: float) -> None:
    async def check(lab: Lab) -> None:
        readers = [lab.start("a"), lab.start("b", 0.1)]
        await asyncio.sleep(leave_s)
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
        assert lab.upstream.let_go == ["a"]
        assert now() == leave_s
        assert {row.call_id: row.outcome for row in lab.rows} == {"a": "abandoned", "b": "abandoned"}
        assert [each.outcome for each in lab.row("a").attempts] == ["abandoned"]
        again = lab.start("c")
        assert await again == "".join(WORDS)
        assert lab.upstream.begun == ["a", "c"]

    in_lab(check)


def test_a_failure_reaches_every_reader_and_is_not_stored() -> None:
    error = ProviderError("overloaded", "try later", status=503)

    async def check(lab: Lab) -> None:
        tasks = [lab.start("a"), lab.start("b", 0.1)]
        assert await asyncio.gather(*tasks, return_exceptions=True) == [error, error]
        assert lab.upstream.begun == ["a"]
        lab.upstream.fail = None
        assert await lab.start("c") == "".join(WORDS)

    in_lab(check, error)


def test_every_reader_keeps_its_own_deadline() -> None:
    async def check(lab: Lab) -> None:
        leader, hasty = lab.start("leader"), lab.start("hasty", 0.1, deadline_s=0.6)
        with pytest.raises(ProviderError, match="total time"):
            await hasty
        assert now() == 0.6
        assert await leader == "".join(WORDS)
        assert (lab.row("hasty").error_kind, lab.row("hasty").cache) == ("timeout_total", "coalesced")

    in_lab(check)


@pytest.mark.parametrize(
    "error", [ProviderError("timeout_total", "no time"), Rejected("rejected_deadline", "no time")]
)
def test_a_flight_that_fails_by_the_leaders_deadline_is_retried_for_calls_with_more_time(
    error: Exception,
) -> None:
    async def check(lab: Lab) -> None:
        tasks = [lab.start("hasty", deadline_s=1.0), lab.start("patient", 0.1), lab.start("third", 0.2)]
        await asyncio.sleep(0.9)
        lab.upstream.fail = error
        await asyncio.sleep(0.11)
        lab.upstream.fail = None
        assert await asyncio.gather(*tasks, return_exceptions=True) == [error, *["".join(WORDS)] * 2]
        assert lab.upstream.begun == ["hasty", "patient"]

    in_lab(check)


def test_interactive_or_streaming_calls_do_not_join_a_batch_or_unstreamed_leader() -> None:
    async def check(lab: Lab) -> None:
        tasks = [
            lab.start("batch", priority="batch", stream=False),
            lab.start("urgent", 0.1, stream=False),
            lab.start("streamed", 0.2),
            lab.start("also", 0.3, stream=False),
        ]
        await asyncio.gather(*tasks)
        assert lab.upstream.begun == ["batch", "urgent", "streamed"]
        assert lab.row("also").cache == "coalesced"

    in_lab(check)


def test_without_single_flight_every_call_goes_upstream() -> None:
    async def check(lab: Lab) -> None:
        await asyncio.gather(lab.start("a"), lab.start("b", 0.1))
        assert lab.upstream.begun == ["a", "b"]

    in_lab(check, single_flight=False)


def test_a_stale_answer_is_served_while_one_background_refresh_runs() -> None:
    async def check(lab: Lab) -> None:
        await lab.start("first")
        await asyncio.sleep(10.5)
        began_s = now()
        await asyncio.gather(lab.start("a"), lab.start("b", 0.1))
        assert now() == began_s + 0.1  # nobody waited
        assert [row.call_id for row in lab.rows] == ["first", "b"]  # the other's row waits for what it began
        assert lab.upstream.begun == ["first", "a"]
        await asyncio.sleep(WHOLE_S)
        row = lab.row("a")
        assert (row.cache, row.outcome, row.cost_nusd) == ("stale", "success", 47_000)
        await lab.start("fresh")
        assert lab.row("fresh").cache == "exact"

    in_lab(check, ttl_s=10, stale_s=20)


def test_past_the_stale_time_the_answer_is_not_served() -> None:
    async def check(lab: Lab) -> None:
        await lab.start("first")
        await asyncio.sleep(30.5)
        await lab.start("again")
        assert lab.row("again").cache == "miss"

    in_lab(check, ttl_s=10, stale_s=20)


def test_closing_the_stack_ends_a_running_refresh_and_emits_its_facts() -> None:
    async def check(lab: Lab) -> None:
        await lab.start("first")
        await asyncio.sleep(10.5)
        await lab.start("a")
        await asyncio.sleep(1.2)
        await lab.background.aclose()
        assert [each.outcome for each in lab.row("a").attempts] == ["abandoned"]
        assert lab.row("a").outcome == "success"

    in_lab(check, ttl_s=10, stale_s=20)


@pytest.mark.parametrize(("use", "kept"), [("refresh", True), ("bypass", False)])
def test_a_call_may_refresh_or_bypass_the_cache(use: str, kept: bool) -> None:
    async def check(lab: Lab) -> None:
        await lab.start("a", cache=use)
        await lab.start("b", cache=use)
        assert lab.upstream.begun == ["a", "b"]
        await lab.start("c")
        assert (lab.row("c").cache == "exact") is kept

    in_lab(check)


def test_a_high_temperature_bypasses_the_cache() -> None:
    async def check(lab: Lab) -> None:
        await lab.start("a", temperature=1.2)
        await lab.start("b", temperature=1.2)
        assert [row.cache for row in lab.rows] == ["bypass", "bypass"]

    in_lab(check)


moments = st.integers(0, 40).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(moments, st.none() | moments, st.sampled_from("xy")), min_size=1, max_size=12))
def test_there_is_never_more_than_one_flight_for_a_question(
    plan: list[tuple[float, float | None, str]],
) -> None:
    """Random arrivals and hang-ups: each call gets the whole answer or leaves, each row is emitted once."""

    async def check(lab: Lab) -> None:
        flying: dict[str, int] = {}
        most: dict[str, int] = {}
        inner = lab.upstream.__class__.__call__

        async def counted(call: Call) -> Reply:
            tenant = call.caller.tenant
            flying[tenant] = flying.get(tenant, 0) + 1
            most[tenant] = max(most.get(tenant, 0), flying[tenant])
            try:
                reply = await inner(lab.upstream, call)
            except BaseException:
                flying[tenant] -= 1
                raise
            reply.on_end(lambda _: flying.update({tenant: flying[tenant] - 1}))
            return reply

        cache = ExactCache(CacheOptions(ttl_s=0.3), lab.background)
        lab.ask = stack(Telemetry(lab.rows.append), cache, AttemptLedger(PRICE), send=counted)
        tasks = []
        for n, (at_s, leaves_s, tenant) in enumerate(plan):
            task = lab.start(f"c{n}", at_s, tenant=tenant)
            if leaves_s is not None:
                asyncio.get_running_loop().call_at(at_s + leaves_s, task.cancel)
            tasks.append(task)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end == "".join(WORDS) or isinstance(end, asyncio.CancelledError) for end in ended)
        await lab.background.aclose()
        begun = [n for n, task in enumerate(tasks) if not task.cancelled() or plan[n][1] != 0.0]
        told = [row.call_id for row in lab.rows]
        assert len(set(told)) == len(told)
        assert {f"c{n}" for n in begun} <= set(told)
        assert all(count <= 1 for count in most.values())
        assert not any(flying.values())
        assert all(each.outcome for row in lab.rows for each in row.attempts)

    in_lab(check)
