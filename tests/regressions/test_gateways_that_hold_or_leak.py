"""Bugs of gateways: tokens held back on their way, and what stays behind when a client leaves."""

import asyncio
import gc
from collections import Counter
from typing import Any

import pytest

from harness.stack.state.backend import MemoryBackend
from harness.virtual import VirtualLoop
from mock_providers.exchange.tokens import count
from tests.lab.lab import CHAIN, GAP_S, IDLE_S, TTFT_S, Lab, play, target
from tests.lab.received import Received

LIMITER = {"rpm": 60_000, "tpm": 9_000_000, "concurrency": 500}
FULL: dict[str, Any] = {
    "cache": {"max_entries": 20},
    "fallback": {"after_first_token": "continue"},
    "retry": {},
    "retry_budget": {},
    "hedge": {"min_samples": 1, "min_delay_s": 5},
    "breaker": {},
    "throttle": {},
    "target": [entry | {"limiter": LIMITER} for entry in CHAIN],
}
"""Every layer between the provider and the client."""
BARE: dict[str, Any] = {"target": [CHAIN[0]], "fallback": {"after_first_token": "fail"}}

both_stacks = pytest.mark.parametrize("table", [BARE, FULL], ids=["bare", "full"])


@both_stacks
def test_the_gateway_does_not_hold_the_first_token(table: dict[str, Any]) -> None:
    """litellm#38689: through the proxy the first byte came after 16.7 s instead of 2 s, for it was held."""

    async def scene(lab: Lab) -> None:
        received = Received()
        listening = asyncio.create_task(lab.ask_gateway(received, tokens=400))
        await asyncio.sleep(TTFT_S + GAP_S / 2)
        assert (received.status, count(received.text)) == (200, 1)
        await listening
        [row] = lab.rows
        assert received.content_at_s[0] == row.first_sent_s == pytest.approx(TTFT_S)
        [facts] = lab.facts
        assert facts.first_s == pytest.approx(TTFT_S)
        assert received.ended_s == pytest.approx(TTFT_S + 399 * GAP_S)
        lab.assert_paid_exactly()

    play(scene, **table)


@both_stacks
def test_the_gateway_passes_every_token_on_when_it_comes(table: dict[str, Any]) -> None:
    """litellm#26102: streaming was buffered: what the provider had sent evenly came in lumps."""

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=100)
        assert received.content_at_s == pytest.approx([TTFT_S + n * GAP_S for n in range(100)])
        [row] = lab.rows
        assert (received.content_at_s[-1], row.chunks_sent) == (row.last_sent_s, 100)
        assert received.last == b"[DONE]"

    play(scene, **table)


def test_the_gateway_passes_every_token_on_even_where_another_provider_goes_on() -> None:
    """litellm#26102, at a seam: who could still break is no reason to hold back what has come."""
    before = 12

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=40)
        broke_s = TTFT_S + before * GAP_S
        first = [TTFT_S + n * GAP_S for n in range(before)]
        second = [broke_s + TTFT_S + n * GAP_S for n in range(40 - before)]
        assert received.content_at_s == pytest.approx(first + second)
        assert [row.chunks_sent for row in lab.rows] == [before, 40 - before]
        assert received.last == b"[DONE]"
        lab.assert_paid_exactly()

    play(scene, faults=[{"kind": "reset", "provider": "openai", "after_chunks": before}], **FULL)


def test_clients_that_hang_up_leave_no_task_and_no_connection() -> None:
    """bifrost#828: cancelled streams left their tasks and connections behind.

    Sixty clients leave one after the other, before and after the first token, streams and whole replies. The
    moment one has left, so has everything that was done for it: at the gateway, and at the provider.
    """
    clients, apart_s = 60, 0.019

    async def scene(lab: Lab) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await lab.ask("first", tokens=7)  # from now on the hedge knows when a first token is late
        began_s = lab.now()
        asking = [
            asyncio.create_task(lab.ask_gateway(Received(), f"c{n}", stream=bool(n % 2)))
            for n in range(clients)
        ]
        provider = lab.endpoints["openai"].base_url
        for n, client in enumerate(asking):
            await asyncio.sleep(began_s + (n + 1) * apart_s - lab.now())
            assert lab.app.in_flight == clients - n
            client.cancel()
            await asyncio.sleep(0.001)
            left = clients - n - 1
            open_ = (lab.app.in_flight, lab.connections_to(provider), lab.connections_to(lab.gateway))
            assert open_ == (left, left, left)
        assert loop.leak_report().tasks == ()
        assert Counter(facts.outcome for facts in lab.facts) == {"success": 1, "abandoned": clients}
        assert Counter(row.ended for row in lab.rows) == {"complete": 1, "client_closed": clients}
        began = [attempt for attempt in lab.attempts if attempt.output_tokens]
        assert 0 < len(began) < clients
        lab.assert_paid_exactly()

    play(scene, **FULL)


def test_abandoned_streams_hold_no_slot() -> None:
    """bifrost#6802: each stream that was abandoned kept one of the provider's connections for good.

    With five slots, five clients at a time begin to listen and leave; the sixth wave is served as the first.
    """
    slots, waves = 5, 6

    async def scene(lab: Lab) -> None:
        for wave in range(waves):
            began_s = lab.now()
            ids = [f"c{wave}.{n}" for n in range(slots)]
            received = await asyncio.gather(*(lab.ask_gateway(Received(), id, leave_after=3) for id in ids))
            assert [each.content_at_s[0] - began_s for each in received] == pytest.approx([TTFT_S] * slots)
        await lab.drain()
        assert Counter(facts.outcome for facts in lab.facts) == {"abandoned": slots * waves}
        assert {attempt.limiter_wait_s for attempt in lab.attempts} == {0.0}
        assert [(row.ended, row.output_tokens) for row in lab.rows] == [("client_closed", 3)] * slots * waves
        lab.assert_paid_exactly()

    limiter = {"concurrency": slots, "max_wait_s": 0}
    provider = {"openai": {"limits": {"concurrency": slots}}}
    play(scene, target=[target("openai", limiter=limiter)], models=provider)


def things_of_the_stack() -> Counter[str]:
    """How many objects of the stack's own kinds are alive, and tasks and futures."""
    gc.collect()
    names = [f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects()]
    return Counter(name for name in names if name.startswith(("harness.stack", "_asyncio", "asyncio")))


def test_memory_does_not_grow_with_the_calls_that_have_been() -> None:
    """litellm#12685: the proxy's memory grew with the requests it had served.

    Waves of calls that end well, break, or are left by their clients: twenty waves later not even one thing
    more a wave is kept, and the mechanisms know no more than before.
    """
    waves = 20

    async def wave(lab: Lab, nth: int) -> None:
        words = [None if n % 3 else 1 + n // 3 for n in range(30)]
        listening = [
            lab.ask_gateway(Received(), f"c{nth}.{n}", 15 + nth % waves, leave_after=leave)
            for n, leave in enumerate(words)
        ]
        await asyncio.gather(*listening)
        await asyncio.sleep(30)
        outcomes = Counter(facts.outcome for facts in lab.facts)
        assert outcomes == {"abandoned": 10, "success": 20}
        lab.facts.clear()

    async def scene(lab: Lab) -> None:
        assert isinstance(lab.backend, MemoryBackend)
        for nth in range(waves):
            await wave(lab, nth)
        await asyncio.sleep(IDLE_S)
        before, known = things_of_the_stack(), len(lab.backend._values)
        for nth in range(waves, 2 * waves):
            await wave(lab, nth)
        await asyncio.sleep(IDLE_S)
        grown = things_of_the_stack() - before
        assert {name: by for name, by in grown.items() if by >= waves} == {}
        assert len(lab.backend._values) == known
        ends = Counter(row.ended for row in lab.rows)
        assert min(ends["reset"], ends["client_closed"], ends["complete"]) > 2 * waves
        lab.app.reset()

    play(scene, faults=[{"kind": "reset", "after_chunks": 12, "every": 7}], **FULL)
