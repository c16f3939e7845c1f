"""The provider's own limits admit every request that the limiter admits, whichever callers leave."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.admission.limiter import Limiter, LimiterOptions
from harness.stack.core.call import Call, Priority
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Event, Finish, Reply, Usage
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.core.tokens import call_tokens
from harness.stack.state.backend import Backend, Change, MemoryBackend, R
from harness.virtual import run_virtual
from mock_providers.limits import limits, rate_limiter
from tests.stack.calls import make_call


def a_call(n: int, **asked: Any) -> Call:
    id, target = f"c{n}", Target("openai", "openai", "gpt-4o")
    return make_call(id, (Message("user", "hello"),), CallFacts(call_id=id), target=target, **asked)


class Asked(NamedTuple):
    """A call: the time since the last one, its size, its outcome."""

    after_s: float
    max_tokens: int
    output_share: float
    lasts_s: float
    leaves_after_s: float | None
    fails: bool
    priority: Priority


ASKED = st.builds(
    Asked,
    after_s=st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0]),
    max_tokens=st.integers(1, 300),
    output_share=st.floats(0, 1),
    lasts_s=st.floats(0, 5),
    leaves_after_s=st.none() | st.floats(0, 6),
    fails=st.booleans(),
    priority=st.sampled_from(["interactive", "batch"]),
)


class Flavour(NamedTuple):
    """A provider's limits, our options for them, and how it counts tokens."""

    theirs: limits.Limits
    ours: LimiterOptions
    reserved: Callable[[int, int], int]


FLAVOURS = {
    "openai": Flavour(
        limits.Limits(requests_per_min=120, tokens_per_min=3000, concurrency=4, burst_s=10),
        LimiterOptions(rpm=120, tpm=3000, concurrency=4, burst_s=10, max_wait_s=60),
        max,
    ),
    "anthropic, output on credit": Flavour(
        limits.Limits(requests_per_min=120, input_tokens_per_min=600, output_tokens_per_min=3000, burst_s=10),
        LimiterOptions(rpm=120, input_tpm=600, output_tpm=3000, burst_s=10, max_wait_s=60, settle="usage"),
        lambda prompt, output: prompt,
    ),
    "anthropic, output reserved": Flavour(
        limits.Limits(output_tokens_per_min=3000, reserve_max_tokens=True, concurrency=5, burst_s=10),
        LimiterOptions(output_tpm=3000, concurrency=5, burst_s=10, max_wait_s=60, settle="usage"),
        lambda prompt, output: prompt,
    ),
}


class Provider:
    """Serves what its limits admit, and counts what they refuse."""

    def __init__(self, theirs: limits.Limits, now: float) -> None:
        self._limiter = rate_limiter.RateLimiter(theirs, now)
        self.admitted = 0
        self.refused: list[limits.Verdict] = []

    async def serve(self, call: Call, asked: Asked) -> Reply:
        demand = limits.Demand(call_tokens(call), asked.max_tokens)
        verdict = self._limiter.admit(demand, asyncio.get_running_loop().time())
        if verdict.refused_by is not None:
            self.refused.append(verdict)
            raise ProviderError("bad_request", "beyond the limit")
        self.admitted += 1
        permit = rate_limiter.Permit([self._limiter], demand)
        try:
            await asyncio.sleep(asked.lasts_s / 2)
            if asked.fails:
                raise ProviderError("server_error", "no")
        except BaseException:
            self._settle(permit, 0)
            raise
        return Reply(Delta("x"), _Rest(self, permit, call, asked))

    def _settle(self, permit: rate_limiter.Permit, output_tokens: int) -> None:
        permit.settle(output_tokens, asyncio.get_running_loop().time())


class _Rest:
    """The end of a reply; the provider settles it first, however it ends."""

    def __init__(self, provider: Provider, permit: rate_limiter.Permit, call: Call, asked: Asked) -> None:
        self._provider, self._permit, self._call, self._asked = provider, permit, call, asked
        self._over = False

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        self._over = True
        output = int(self._asked.max_tokens * self._asked.output_share)
        try:
            await asyncio.sleep(self._asked.lasts_s / 2)
        finally:
            self._provider._settle(self._permit, output)
        return Finish("stop", Usage(call_tokens(self._call), output))

    async def aclose(self) -> None:
        self._provider._settle(self._permit, 0)


async def _play(flavour: Flavour, plan: list[Asked], store: MemoryBackend, backend: Backend) -> Provider:
    provider = Provider(flavour.theirs, asyncio.get_running_loop().time())
    limiter = Limiter(flavour.ours, flavour.reserved, backend=backend)

    async def one(n: int, asked: Asked) -> None:
        call = a_call(n, max_tokens=asked.max_tokens, priority=asked.priority)
        with suppress(ProviderError, Rejected, TimeoutError):
            async with asyncio.timeout(asked.leaves_after_s):
                async with await limiter(call, lambda c: provider.serve(c, asked)) as reply:
                    await reply.text()

    tasks = []
    for n, asked in enumerate(plan):
        await asyncio.sleep(asked.after_s)
        tasks.append(asyncio.create_task(one(n, asked)))
    await asyncio.gather(*tasks)
    await asyncio.sleep(0.1)  # what was posted last has arrived
    assert store.peek("limiter").in_flight == 0
    assert len(limiter.queue) == 0
    return provider


@pytest.mark.parametrize("name", FLAVOURS)
@settings(max_examples=60, deadline=None)
@given(plan=st.lists(ASKED, min_size=1, max_size=40))
def test_the_providers_limits_admit_every_admitted_request(name: str, plan: list[Asked]) -> None:
    store = MemoryBackend()
    provider = run_virtual(_play(FLAVOURS[name], plan, store, store))
    assert provider.refused == []


class Remote:
    """A store at the other end of a wire: a change that was sent is made, even if its sender has left."""

    def __init__(self, store: MemoryBackend) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._sent: list[asyncio.Task[Any]] = []

    async def update(self, key: str, change: Change[R]) -> R:
        return await asyncio.shield(self._send(key, change))

    def post(self, key: str, change: Change[Any]) -> None:
        self._send(key, change)

    def _send(self, key: str, change: Change[R]) -> "asyncio.Task[R]":
        task = asyncio.create_task(self._apply(key, change))
        self._sent.append(task)
        return task

    async def _apply(self, key: str, change: Change[R]) -> R:
        async with self._turn:
            await asyncio.sleep(0.001)
            answer = await self._store.update(key, change)
            await asyncio.sleep(0.001)
            return answer


@pytest.mark.parametrize("name", FLAVOURS)
@settings(max_examples=25, deadline=None)
@given(plan=st.lists(ASKED, min_size=1, max_size=25))
def test_with_a_remote_backend_nothing_leaks_and_nothing_is_admitted_beyond_the_limit(
    name: str, plan: list[Asked]
) -> None:
    """A request is counted before it is sent by as long as the store takes to answer. A provider whose bucket
    is full till then loses what ours has gained, so theirs may hold that much more here: 0.1 s of refill.
    """
    flavour = FLAVOURS[name]
    theirs = flavour.theirs.model_copy(update={"burst_s": flavour.theirs.burst_s + 0.1})

    async def scenario() -> Provider:
        store = MemoryBackend()
        return await _play(flavour._replace(theirs=theirs), plan, store, Remote(store))

    assert run_virtual(scenario()).refused == []


def test_two_gateways_on_one_backend_share_the_limit_and_the_slots() -> None:
    async def scenario() -> tuple[int, float]:
        store, most, now_in = MemoryBackend(), 0, 0
        options = LimiterOptions(concurrency=2, max_wait_s=100)

        async def source() -> AsyncGenerator[Event]:
            nonlocal now_in
            await asyncio.sleep(1.0)
            now_in -= 1
            yield Finish("stop", None)

        async def serve(_: Call) -> Reply:
            nonlocal now_in, most
            now_in += 1
            most = max(most, now_in)
            return Reply(Delta("x"), source())

        async def one(limiter: Limiter, n: int) -> None:
            await (await limiter(a_call(n), serve)).text()

        gateways = [Limiter(options, max, backend=Remote(store)) for _ in range(2)]
        await asyncio.gather(*(one(gateways[n % 2], n) for n in range(10)))
        return most, asyncio.get_running_loop().time()

    most, ended_s = run_virtual(scenario())
    assert most == 2
    assert ended_s < 12
