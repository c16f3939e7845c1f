"""Random small runs in virtual time: a random stack, random faults, a dozen calls, callers that hang up.

`Drawn` describes a run, `play` executes it and returns a `Remains`. Both sides have the same clock and no
network delay, so the limiter's view of a rate limit equals the provider's.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.core.call import Call, Caller, Priority
from harness.stack.core.errors import StackError
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Finish
from harness.stack.core.request import Message
from harness.stack.money.attempt_ledger import AttemptLedger
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from mock_providers import MockApp, Profile, parse_faults
from tests.lab.providers import CHAIN_PROVIDERS, MODELS, open_providers, profile_of

RPM = 60
"""What providers with a limit allow, with a burst of two seconds; limiters are told the same."""
BURST_S = 2.0
IDLE_S = 300.0
"""Longer than any connection is kept, any fault holds on and any breaker stays open."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: its start, its request, and how its caller hangs up (None: it reads to the end)."""

    at_s: float
    tokens: int
    stream: bool
    priority: Priority
    cancel_after_s: float | None
    close_after_events: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The description of a run."""

    seed: int
    stack: dict[str, Any]
    faults: list[dict[str, Any]]
    limited: tuple[str, ...]
    calls: tuple[Asked, ...]


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


def seconds(most: float) -> st.SearchStrategy[float]:
    """A time on a grid, so that many events coincide."""
    return st.integers(0, int(most * 20)).map(lambda n: n / 20)


FAULTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("outage")}),
    st.fixed_dictionaries(
        {"kind": st.just("http_error"), "status": st.sampled_from([400, 401, 403, 429, 500, 503, 529])}
    ),
    st.fixed_dictionaries({"kind": st.just("hang"), "hold_s": st.sampled_from([1.0, 60.0])}),
    st.fixed_dictionaries({"kind": st.just("slow_first_token"), "extra_s": st.sampled_from([0.5, 4.0])}),
    st.fixed_dictionaries({"kind": st.just("slow_drip"), "gap_s": st.sampled_from([0.1, 1.0, 3.0])}),
    st.fixed_dictionaries({"kind": st.just("brownout"), "extra_s": st.sampled_from([0.5, 2.0])}),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(
                ["reset", "truncate", "stall", "malformed_json", "malformed_sse", "in_band_error"]
            ),
            "after_chunks": st.integers(0, 8),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["refuse", "html_200", "key_revoked", "quality_loss", "clock_skew"])}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("key_revoked"), "key": st.sampled_from(["sk-world-a", "sk-world-b"])}
    ),
)


@st.composite
def faults(draw: st.DrawFn) -> dict[str, Any]:
    """A fault of any kind, for some time, at one provider or all, for some requests or all."""
    fault = dict(draw(FAULTS))
    fault["from_s"] = draw(seconds(3))
    fault["to_s"] = fault["from_s"] + draw(st.sampled_from([0.5, 2.0, 8.0]))
    fault["probability"] = draw(st.sampled_from([0.2, 0.5, 1.0]))
    provider = draw(st.sampled_from([None, *CHAIN_PROVIDERS]))
    if provider is not None:
        fault["provider"] = provider
    return fault


@st.composite
def stacks(draw: st.DrawFn, limited: tuple[str, ...], least_targets: int) -> dict[str, Any]:
    """Any stack: up to three targets in any order, each layer present or absent."""
    names = draw(st.lists(st.sampled_from(CHAIN_PROVIDERS), min_size=least_targets, max_size=3, unique=True))
    table: dict[str, Any] = {
        "deadlines": {
            "connect_s": 1,
            "first_token_s": draw(st.sampled_from([1.0, 3.0])),
            "inter_chunk_s": draw(st.sampled_from([0.5, 2.0])),
            "total_s": draw(st.sampled_from([2.0, 8.0, 20.0])),
        },
        "target": [_target(draw, name, name in limited) for name in names],
    }
    for name, options in MECHANISMS.items():
        chosen = draw(st.one_of(st.none(), options))
        if chosen is not None:
            table[name] = chosen
    return table


def _target(draw: st.DrawFn, name: str, limited: bool) -> dict[str, Any]:
    target: dict[str, Any] = {"provider": name, "model": MODELS[name]}
    if limited:
        target["limiter"] = {
            "rpm": RPM,
            "burst_s": BURST_S,
            "max_wait_s": draw(st.sampled_from([0.0, 1.0, 9.0])),
        }
    keys = draw(st.sampled_from([None, None, ["a"], ["a", "b"], ["a", "b", "c"]]))
    if keys is not None:
        target["keys"] = {"names": keys, "refused_s": draw(st.sampled_from([1.0, 300.0]))}
    return target


MECHANISMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "cache": st.just({"ttl_s": 5}),
    "fallback": st.fixed_dictionaries(
        {
            "after_first_token": st.sampled_from(["continue", "restart", "fail"]),
            "max_continuations": st.integers(1, 3),
        }
    ),
    "retry_budget": st.fixed_dictionaries(
        {"ratio": st.sampled_from([0.0, 0.5]), "min_per_s": st.just(0.1), "initial": st.sampled_from([0, 2])}
    ),
    "hedge": st.fixed_dictionaries(
        {"min_samples": st.just(1), "max_share": st.just(1.0), "quantile": st.sampled_from([0.3, 0.9])}
    ),
    "retry": st.fixed_dictionaries(
        {"attempts": st.integers(1, 4), "base_s": st.sampled_from([0.0, 0.2]), "cap_s": st.just(1.0)}
    ),
    "throttle": st.just({"window_s": 6.0}),
    "breaker": st.fixed_dictionaries(
        {"min_samples": st.integers(1, 4), "open_s": st.sampled_from([0.5, 3.0]), "probes": st.integers(1, 3)}
    ),
}


@st.composite
def calls(draw: st.DrawFn) -> Asked:
    """A call and its caller's behaviour."""
    leaves = draw(st.sampled_from(["stays", "stays", "cancels", "closes"]))
    return Asked(
        at_s=draw(seconds(4)),
        tokens=draw(st.integers(1, 40)),
        stream=draw(st.sampled_from([True, True, True, False])),
        priority=draw(st.sampled_from(["interactive", "batch"])),
        cancel_after_s=draw(seconds(6)) if leaves == "cancels" else None,
        close_after_events=draw(st.integers(1, 12)) if leaves == "closes" else None,
    )


@st.composite
def worlds(draw: st.DrawFn, least_targets: int = 1) -> Drawn:
    """Any run of a stack with at least so many targets."""
    limited = tuple(draw(st.lists(st.sampled_from(CHAIN_PROVIDERS), max_size=3, unique=True)))
    return Drawn(
        seed=draw(st.integers(0, 2**16)),
        stack=draw(stacks(limited, least_targets)),
        faults=draw(st.lists(faults(), max_size=4)),
        limited=limited,
        calls=tuple(draw(st.lists(calls(), min_size=1, max_size=12))),
    )


DRAWN = settings(
    derandomize=False,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""How worlds are drawn: from a seed of the test's own, each once; how many, the test says."""


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
