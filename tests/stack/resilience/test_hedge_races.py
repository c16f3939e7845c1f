"""Whoever wins a race, fails in it or leaves it: all is settled once, and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Finish, Reply
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.resilience.hedge import Hedge, HedgeOptions, next_target
from harness.stack.state.backend import MemoryBackend
from harness.stack.upstream.send import Endpoint
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from harness.world.serving import serve
from mock_providers import MockApp, make_profile, parse_faults
from tests.stack.calls import make_call

A, B = Target("a", "openai", "m"), Target("b", "anthropic", "m")
EAGER = HedgeOptions(min_samples=1, max_share=1.0)


@dataclass(frozen=True, slots=True)
class Course:
    """How an attempt goes: it begins or fails after `after_s`; cancelled, it takes `leaving_s` to go."""

    after_s: float
    ends: Literal["begins", "fails"] = "begins"
    when_cancelled: Literal["goes", "begins", "fails"] = "goes"
    leaving_s: float = 0.0
    close_fails: bool = False


class Source:
    """The rest of a reply."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.over = False

    async def __anext__(self) -> Finish:
        if self.over:
            raise StopAsyncIteration
        self.over = True
        return Finish("stop", None)

    async def aclose(self) -> None:
        await asyncio.sleep(self.course.leaving_s)
        if self.course.close_fails:
            raise ProviderError("connection", "reset while closing")


@dataclass(slots=True)
class Inner:
    """An inner stack in which every target has its course; what began must be settled, once."""

    courses: dict[str, Course]
    began: list[str] = field(default_factory=list)
    settled: Counter[str] = field(default_factory=Counter)
    running: int = 0

    async def __call__(self, call: Call) -> Reply:
        name = call.target.name
        course = self.courses[name]
        self.running += 1
        try:
            await asyncio.sleep(course.after_s)
            ends: str = course.ends
        except asyncio.CancelledError:
            await asyncio.sleep(course.leaving_s)
            if course.when_cancelled == "goes":
                raise
            ends = course.when_cancelled
        finally:
            self.running -= 1
        if ends == "fails":
            raise ProviderError("overloaded", name)
        reply = Reply(Delta(name), Source(course))
        self.began.append(name)
        reply.on_end(lambda outcome: self.settled.update([name]))
        return reply


@dataclass(slots=True)
class Told:
    """The outcome of a race."""

    answer: str
    at_s: float
    complaints: list[str]
    tasks_left: int


def race(call: Call, inner: Inner, *, cancel_at_s: float | None = None, hedge: Hedge | None = None) -> Told:
    """A call after one whose first token took 1/8 s, so that a second attempt starts at 1/8 s."""

    async def scenario() -> Told:
        complaints: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
        layer = hedge or Hedge(EAGER, next_target((A, B), lambda *_: True))
        await (await layer(call.at(A), Inner({"a": Course(0.125)}))).text()
        started_s = loop.time()
        asking = loop.create_task(_answer(layer, call.at(A), inner))
        if cancel_at_s is not None:
            loop.call_later(cancel_at_s, asking.cancel)
        await asyncio.wait([asking])
        answer = "cancelled" if asking.cancelled() else asking.result()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        return Told(answer, round(loop.time() - started_s, 6), complaints, len(left))

    return run_virtual(scenario())


async def _answer(layer: Hedge, call: Call, inner: Inner) -> str:
    try:
        async with await layer(call, inner) as reply:
            return (await reply.text())[0]
    except ProviderError as error:
        return f"error of {error}"


GRID = st.integers(0, 12).map(lambda n: n / 16)  # exact, so that much happens at the very same instant
COURSES = st.builds(
    Course,
    after_s=GRID,
    ends=st.sampled_from(["begins", "begins", "fails"]),
    when_cancelled=st.sampled_from(["goes", "begins", "fails"]),
    leaving_s=st.sampled_from([0.0, 0.125]),
)


@given(COURSES, COURSES, st.none() | GRID)
def test_every_race_settles_each_begun_reply_once_and_leaves_no_task(
    a: Course, b: Course, cancel_at_s: float | None
) -> None:
    inner = Inner({"a": a, "b": b})
    call = make_call("c", (Message("user", "x"),), facts=CallFacts("c"))
    told = race(call, inner, cancel_at_s=cancel_at_s)
    assert inner.settled == Counter(inner.began)
    assert (inner.running, told.tasks_left, told.complaints) == (0, 0, [])
    if cancel_at_s is None:
        assert told.answer in ("a", "b", "error of a")


def test_a_caller_cancelled_while_the_loser_is_closed_closes_the_winner_too(
    call: Callable[..., Call],
) -> None:
    inner = Inner({"a": Course(9, leaving_s=1.0), "b": Course(0.2)})
    told = race(call(), inner, cancel_at_s=0.5)
    assert (told.answer, told.tasks_left, inner.settled) == ("cancelled", 0, Counter(b=1))


def test_a_loser_that_begins_although_it_was_cancelled_is_closed(call: Callable[..., Call]) -> None:
    inner = Inner({"a": Course(9, when_cancelled="begins"), "b": Course(0.2)})
    assert race(call(), inner).answer == "b"
    assert inner.settled == Counter(a=1, b=1)


def test_an_error_of_a_loser_that_is_closed_is_ignored(call: Callable[..., Call]) -> None:
    inner = Inner({"a": Course(0.375), "b": Course(0.25, close_fails=True)})
    told = race(call(), inner)
    assert (told.answer, told.at_s, told.complaints) == ("a", 0.375, [])
    assert inner.settled == Counter(a=1, b=1)


def test_a_race_that_the_budget_forbids_uses_up_no_share(call: Callable[..., Call]) -> None:
    async def never() -> bool:
        return False

    backend = MemoryBackend()
    hedge = Hedge(EAGER, next_target((A, B), lambda *_: True), never, backend)
    assert race(call(), Inner({"a": Course(1.0)}), hedge=hedge).answer == "a"
    assert backend.peek("hedge") == (2, 0)


def test_the_attempts_of_one_call_count_as_one_call(call: Callable[..., Call]) -> None:
    async def scenario() -> int:
        backend = MemoryBackend()
        hedge = Hedge(EAGER, next_target((A, B), lambda *_: True), None, backend)
        asked = call().at(A)
        for attempt in ("the first", "a retry", "a fallback"):
            await (await hedge(asked, Inner({"a": Course(0.1)}))).text()
            asked.facts.attempts.append(attempt)  # type: ignore[arg-type]  # only their number matters
        return int(backend.peek("hedge").calls)

    assert run_virtual(scenario()) == 1


async def test_the_second_attempt_has_no_backoff_and_does_not_force_an_open_breaker(
    call: Callable[..., Call],
) -> None:
    again = Hedge(EAGER, next_target((A, B), lambda *_: True))._again(
        call().at(A).with_attempt(kind="retry", backoff_s=4.0, force=True)
    )
    assert (again.target, again.attempt.kind, again.attempt.backoff_s, again.attempt.force) == (
        B,
        "hedge",
        0.0,
        False,
    )


# Whole stacks, over connections.

MODEL = {
    "tier": "balanced",
    "ttft": {"kind": "lognormal", "median_s": 0.3, "sigma": 0.1},
    "pace": {"tokens_per_s": 60.0, "chunk_tokens": [1, 4]},
    "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
    "context_window": 8_000,
    "max_output_tokens": 4_000,
    "price": {"input": "3", "output": "15"},
}
PROFILE = make_profile(
    {
        "name": "two",
        "title": "two providers",
        "providers": {
            "openai": {"protocol": "openai", "models": {"gpt-4o": MODEL}},
            "anthropic": {"protocol": "anthropic", "models": {"claude-sonnet-4-5": MODEL}},
        },
    }
)
STACK = {
    "deadlines": {"first_token_s": 20, "inter_chunk_s": 1, "total_s": 60},
    "hedge": {"min_samples": 1, "max_share": 1.0},
    "target": [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": "anthropic", "model": "claude-sonnet-4-5"},
    ],
}
LATE = {"kind": "slow_first_token", "provider": "openai", "extra_s": 8.0, "from_s": 10, "to_s": 60}


@dataclass(slots=True)
class World:
    """The result of a late call: its facts, the providers' ledger, and leaks."""

    answer: str = ""
    facts: list[CallFacts] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = -1
    end: LeakReport = field(default_factory=LeakReport)


def late_call(*faults: dict[str, Any]) -> World:
    """One call in time, and one at 20 s whose first token is late."""
    world = World()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        app = MockApp(PROFILE, seed=1, faults=parse_faults([LATE, *faults], PROFILE))
        async with AsyncExitStack() as serving:
            endpoints = {}
            for name in PROFILE.providers:
                origin = await serving.enter_async_context(serve(app.provider(name), cut=app.hang_up))
                endpoints[name] = Endpoint(f"{origin}{'' if name == 'anthropic' else '/v1'}", "sk-world")
            stack = build(StackOptions.model_validate(STACK), endpoints, sink=world.facts.append)
            serving.push_async_callback(stack.aclose)
            app.start()
            await _ask(stack, "in-time")
            await asyncio.sleep(20.0 - loop.time())
            world.answer = await _ask(stack, "late")
            world.in_flight = app.in_flight
            world.ledger = [asdict(row) for row in app.ledger.rows]

    run_virtual(scenario(), on_leak_report=lambda left: setattr(world, "end", left))
    return world


async def _ask(stack: Stack, id_: str) -> str:
    call = stack.call(
        id_, (Message("user", "Tell me something."),), asyncio.get_running_loop().time(), max_tokens=60
    )
    try:
        async with await stack.ask(call) as reply:
            await reply.text()
            return "answered"
    except ProviderError as error:
        return f"{error.kind} {error.phase}"


def test_over_a_network_the_losers_connection_is_cut_and_its_prompt_billed() -> None:
    world = late_call()
    assert world.answer == "answered"
    facts = world.facts[-1]
    assert [(a.kind, a.provider, a.outcome) for a in facts.attempts] == [
        ("primary", "openai", "abandoned"),
        ("hedge", "anthropic", "success"),
    ]
    lost, won = facts.attempts
    assert lost.end_s == won.first_s
    assert lost.cost_nusd > 0
    assert not lost.usage_known
    assert facts.answered_by is won
    assert world.in_flight == 0
    assert not any((world.end.tasks, world.end.connections, world.end.timers))


def test_the_inter_chunk_deadline_holds_for_a_hedge_that_won() -> None:
    stall = {"kind": "stall", "provider": "anthropic", "after_chunks": 3, "from_s": 10, "to_s": 60}
    world = late_call(stall)
    assert world.answer == "timeout_inter_chunk after"
    assert [a.outcome for a in world.facts[-1].attempts] == ["abandoned", "failed"]
    assert not any((world.end.tasks, world.end.connections, world.end.timers))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_race_is_run_the_same_way_twice(seed: int) -> None:
    def rows() -> list[dict[str, Any]]:
        return [facts.as_row() for facts in late_call({**LATE, "extra_s": 1.0 + seed}).facts]

    assert rows() == rows()
