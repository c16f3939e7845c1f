"""A reply ends exactly once, however it ends."""

import asyncio
from typing import Any, Literal

import pytest

from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Finish, Outcome, Reply

Ending = Literal["read", "fail", "close", "close twice", "cancel", "read then close"]


def endings(ending: Ending, events: int, source: Any) -> list[Outcome]:
    async def live() -> list[Outcome]:
        broken = ProviderError("connection", "reset", phase="after") if ending == "fail" else None
        slow = 30.0 if ending == "cancel" else 0.0
        reply = Reply(Delta("x"), source(*["y"] * events, error=broken, pause_s=slow))
        outcomes: list[Outcome] = []
        reply.on_end(outcomes.append)
        await anext(reply)
        if ending.startswith("close"):
            await reply.aclose()
        elif ending == "fail":
            with pytest.raises(ProviderError):
                await reply.text()
        elif ending == "cancel":
            reader = asyncio.create_task(reply.text())
            await asyncio.sleep(0)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        else:
            await reply.text()
        if ending in ("close twice", "read then close", "fail", "cancel"):
            await reply.aclose()
        return outcomes

    return asyncio.run(live())


@pytest.mark.parametrize("events", [1, 4])
@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("read", "success"),
        ("read then close", "success"),
        ("fail", "failed"),
        ("close", "abandoned"),
        ("close twice", "abandoned"),
        ("cancel", "abandoned"),
    ],
)
def test_every_way_to_end_settles_once(ending: Ending, outcome: str, events: int, source: Any) -> None:
    outcomes = endings(ending, events, source)
    assert [settled.kind for settled in outcomes] == [outcome]


async def test_inner_layers_settle_before_outer_ones(source: Any) -> None:
    reply = Reply(Delta("x"), source())
    order: list[str] = []
    reply.on_end(lambda _: order.append("inner"))
    reply.on_end(lambda _: order.append("outer"))
    await reply.text()
    assert order == ["inner", "outer"]


async def test_taps_see_every_event_once_the_first_included(source: Any) -> None:
    reply = Reply(Delta("a"), source("b", "c"))
    seen: list[object] = []
    reply.tap(seen.append)
    text, finish = await reply.text()
    assert text == "abc"
    assert seen == [Delta("a"), Delta("b"), Delta("c"), finish]


async def test_a_broken_stream_tells_how_much_had_arrived(source: Any) -> None:
    reply = Reply(Delta("four"), source("chars", error=ProviderError("truncated", "cut")))
    with pytest.raises(ProviderError):
        await reply.text()
    assert reply.outcome is not None
    assert (reply.outcome.chars, reply.outcome.finish) == (9, None)


async def test_a_terminal_event_makes_it_a_success_even_if_nobody_reads_on(source: Any) -> None:
    async with Reply(Delta("x"), source()) as reply:
        async for event in reply:
            if isinstance(event, Finish):
                break
    assert reply.outcome is not None
    assert reply.outcome.kind == "success"
