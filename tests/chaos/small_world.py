"""Random small runs in virtual time: `play` executes a run as `Drawn` describes it and returns a `Remains`.

Both sides have the same clock and no network delay, so the limiter's view of a rate limit equals the
provider's.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.core.call import Call, Caller
from harness.stack.core.errors import StackError
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Finish
from harness.stack.core.request import Message
from harness.stack.money.attempt_ledger import AttemptLedger
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from mock_providers import MockApp, Profile, parse_faults
from tests.chaos.worlds import BURST_S, RPM, Asked, Drawn
from tests.lab.providers import open_providers, profile_of

IDLE_S = 300.0
"""Longer than any connection is kept, any fault holds on and any breaker stays open."""


@dataclass(slots=True)
class Remains:
    """The state after a run; `outcomes`: one entry for each outcome that a caller received."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    emitted: list[dict[str, Any]] = field(default_factory=list)
    facts: list[CallFacts] = field(default_factory=list)
    settled: Counter[str] = field(default_factory=Counter)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    idle_tasks: tuple[str, ...] = ()
    in_flight: int = -1
    end: LeakReport = field(default_factory=LeakReport)

    @property
    def attempts(self) -> list[AttemptFacts]:
        """The attempts of all calls."""
        return [attempt for facts in self.facts for attempt in facts.attempts]

    def sink(self, facts: CallFacts) -> None:
        """Record the facts of a call."""
        self.facts.append(facts)
        self.emitted.append(facts.as_row())


def play(drawn: Drawn) -> Remains:
    """Execute a run to its end, and long beyond, so that timers left behind would fire."""
    remains = Remains()
    with _counted(remains):
        run_virtual(_play(drawn, remains), on_leak_report=lambda left: setattr(remains, "end", left))
    return remains


async def _play(drawn: Drawn, remains: Remains) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    profile = _profile(drawn.limited)
    app = MockApp(profile, seed=drawn.seed, faults=parse_faults(drawn.faults, profile))
    async with AsyncExitStack() as world:
        keys = {key: f"sk-world-{key}" for key in "abc"}
        endpoints = await world.enter_async_context(open_providers(app, keys))
        options = StackOptions.model_validate(drawn.stack)
        stack = build(options, endpoints, sink=remains.sink, seed=drawn.seed)
        world.push_async_callback(stack.aclose)
        t0_s = loop.time()
        tasks = [
            loop.create_task(_ask(remains, stack, f"c{n}", asked, t0_s))
            for n, asked in enumerate(drawn.calls)
        ]
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()
        await asyncio.sleep(IDLE_S)
        left = loop.leak_report()
        remains.idle_tasks = (*left.tasks, *left.connections)
        remains.in_flight = app.in_flight
        remains.ledger = [asdict(row) for row in app.ledger.rows]
    await asyncio.sleep(IDLE_S)


async def _ask(remains: Remains, stack: Any, id_: str, asked: Asked, t0_s: float) -> None:
    """One caller: calls at its time, reads or hangs up as drawn."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(t0_s + asked.at_s - loop.time())
    calling = loop.create_task(_call(stack, id_, asked))
    if asked.cancel_after_s is not None:
        loop.call_later(asked.cancel_after_s, calling.cancel)
    await asyncio.wait([calling])
    remains.outcomes.append((id_, "cancelled" if calling.cancelled() else calling.result()))


async def _call(stack: Any, id_: str, asked: Asked) -> str:
    messages = (Message("user", f"{id_}: tell me something, in about {asked.tokens} tokens."),)
    now = asyncio.get_running_loop().time()
    call = stack.call(id_, messages, now, Caller(priority=asked.priority), max_tokens=50, stream=asked.stream)
    events: list[object] = []
    try:
        async with await stack.ask(call) as reply:
            async for event in reply:
                events.append(event)
                if len(events) == asked.close_after_events:
                    return "closed"
    except StackError as error:
        return error.kind
    return "answered" if isinstance(events[-1], Finish) else "cut short"


@contextmanager
def _counted(remains: Remains) -> Iterator[None]:
    """Count how often each attempt is settled."""
    settle = AttemptLedger._settle

    def counted(ledger: AttemptLedger, call: Call, attempt: AttemptFacts, *args: Any, **options: Any) -> None:
        remains.settled[attempt.attempt_id] += 1
        settle(ledger, call, attempt, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttemptLedger, "_settle", counted)
        yield


def _profile(limited: tuple[str, ...]) -> Profile:
    return profile_of(
        {
            "ttft": {"kind": "lognormal", "median_s": 0.3, "sigma": 0.4},
            "pace": {"tokens_per_s": 60.0, "chunk_tokens": [1, 4]},
            "context_window": 8_000,
            "max_output_tokens": 4_000,
        },
        models={name: {"limits": {"requests_per_min": RPM, "burst_s": BURST_S}} for name in limited},
    )
