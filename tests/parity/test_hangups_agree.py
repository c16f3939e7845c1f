"""Clients that hang up during a reply are billed the same under both engines.

Compared exactly: who hung up, in which phase, and the cost by the provider's rule. The number of chunks sent
before the provider noticed is a race on real sockets; there it is bounded (at least what the client had read,
less than the whole) and the bill is checked against the same row's count.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.upstream.endpoint import Endpoint
from harness.world.serving import serve
from tests.parity.cases import both_modes, every_provider
from tests.parity.raw_client import exchange
from tests.parity.stacks import ASKED, build_stack, facts_without_moments
from tests.parity.worlds import Row, eventually, fast_profile, in_both, providers, settled_rows

READ = 3
LONG = "Tell me everything, in about 150 tokens."
GAP_S = 0.008
"""Mean pause before a token: long enough for a hang-up to arrive between two chunks, most times."""
COUNTED = ("output_tokens", "cost_nusd", "chunks_sent")
NUSD = {"openai": (2_500, 10_000), "anthropic": (3_000, 15_000), "together": (900, 900)}


def apart(row: Row) -> tuple[Row, dict[str, int]]:
    """The columns that must be identical, and those that a race decides on real sockets."""
    counted = {name: row[name] for name in COUNTED}
    return {name: value for name, value in row.items() if name not in COUNTED}, counted


def assert_billed_for_what_was_sent(row: Row, read: int) -> None:
    assert (row["ended"], row["status"]) == ("client_closed", 200)
    assert read <= row["chunks_sent"] < row["chunks_planned"]
    assert read <= row["output_tokens"] < row["planned_output_tokens"]
    input_nusd, output_nusd = NUSD[row["provider"]]
    assert row["cost_nusd"] == row["input_tokens"] * input_nusd + row["output_tokens"] * output_nusd


@every_provider
def test_a_raw_client_that_hangs_up_pays_for_the_tokens_sent(provider: str) -> None:
    async def body() -> tuple[str, Row]:
        async with providers(fast_profile(gap_s=GAP_S)) as (app, endpoints):
            seen = await exchange(provider, endpoints[provider], stream=True, prompt=LONG, leave_after=READ)
            (row,) = await settled_rows(app)
            return seen.ended, row

    (ended, on_sockets), (ended_in_memory, in_memory) = in_both(body)
    assert (ended, apart(on_sockets)[0]) == (ended_in_memory, apart(in_memory)[0])
    assert ended == "eof"
    for row in (on_sockets, in_memory):
        assert_billed_for_what_was_sent(row, READ)
    assert in_memory["chunks_sent"] == READ  # no time passes on the way: nothing is sent into the void


@every_provider
@both_modes
def test_a_client_that_hangs_up_before_the_first_token_pays_for_its_prompt(
    provider: str, stream: bool
) -> None:
    async def body() -> list[Row]:
        profile = fast_profile(ttft={"kind": "constant", "value_s": 60.0})
        async with providers(profile) as (app, endpoints):
            asking = asyncio.create_task(exchange(provider, endpoints[provider], stream=stream))
            await eventually(lambda: app.in_flight)
            await asyncio.sleep(0.01)
            asking.cancel()
            await asyncio.wait([asking])
            return await settled_rows(app)

    on_sockets, in_memory = in_both(body)
    assert in_memory == on_sockets
    (row,) = in_memory
    assert (row["ended"], row["status"], row["output_tokens"]) == ("client_closed", 0, 0)
    assert row["cost_nusd"] == row["input_tokens"] * NUSD[provider][0] > 0


Leave = Callable[[Stack], Awaitable[None]]


def long_call(stack: Stack) -> Call:
    now = asyncio.get_running_loop().time()
    return stack.call("c0", (Message("user", LONG),), now, **ASKED)


async def by_closing_the_reply(stack: Stack) -> None:
    async with await stack.ask(long_call(stack)) as reply:
        for _ in range(READ):
            assert isinstance(await anext(reply), Delta)


async def by_cancelling_the_reader(stack: Stack) -> None:
    third = asyncio.Event()

    async def reading() -> None:
        async with await stack.ask(long_call(stack)) as reply:
            for _ in range(READ):
                await anext(reply)
            third.set()
            await anext(reply)

    task = asyncio.create_task(reading())
    await third.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def by_hanging_up_on_the_gateway(stack: Stack) -> None:
    async with serve(Gateway(stack)) as origin:
        gateway = Endpoint(f"{origin}/v1", "any")
        seen = await exchange("openai", gateway, stream=True, prompt=LONG, leave_after=READ)
    assert seen.ended == "eof"


LEAVE = (by_closing_the_reply, by_cancelling_the_reader, by_hanging_up_on_the_gateway)


@every_provider
@pytest.mark.parametrize("leave", LEAVE, ids=lambda leave: str(leave.__name__))
def test_a_stacks_caller_that_hangs_up_is_recorded_abandoned_and_billed_for_the_tokens_sent(
    leave: Leave, provider: str
) -> None:
    async def body() -> tuple[Row, Row]:
        async with providers(fast_profile(gap_s=GAP_S)) as (app, endpoints):
            emitted: list[CallFacts] = []
            stack = build_stack(endpoints, (provider,), emitted)
            await leave(stack)
            (row,) = await settled_rows(app)
            await stack.aclose()
            (facts,) = emitted
            return row, facts_without_moments(facts)

    on_sockets, in_memory = in_both(body)
    row, facts = in_memory
    assert apart(on_sockets[0])[0] == apart(row)[0]
    for world_row, world_facts in (on_sockets, in_memory):
        assert_billed_for_what_was_sent(world_row, READ)
        (attempt,) = world_facts["attempts"]
        assert (world_facts["outcome"], attempt["outcome"]) == ("abandoned", "abandoned")
        assert (attempt["usage_known"], attempt["input_tokens"]) == (False, world_row["input_tokens"])
        assert READ <= attempt["output_tokens"] <= world_row["output_tokens"]
    assert row["chunks_sent"] == READ
    # Nothing was on its way: what the stack estimates for the abandoned reply is what is billed.
    assert facts["cost_nusd"] == row["cost_nusd"]
