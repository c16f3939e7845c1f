"""Whoever wins a race, fails in it or leaves it: all is settled once, and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Finish, Reply
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.resilience.hedge import Hedge, HedgeOptions, next_target
from harness.stack.state.backend import MemoryBackend
from harness.virtual import run_virtual
from tests.lab.lab import CHAIN, Lab, play
from tests.lab.providers import profile_of
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
    second = Hedge(EAGER, next_target((A, B), lambda *_: True))._second(
        call().at(A).with_attempt(kind="retry", backoff_s=4.0, force=True)
    )
    assert (second.target, second.attempt.kind, second.attempt.backoff_s, second.attempt.force) == (
        B,
        "hedge",
        0.0,
        False,
    )


# Whole stacks, over connections.

PROFILE = profile_of(
    {
        "ttft": {"kind": "lognormal", "median_s": 0.3, "sigma": 0.1},
        "pace": {"tokens_per_s": 60.0, "chunk_tokens": [1, 4]},
    }
)
STACK: dict[str, Any] = {
    "deadlines": {"first_token_s": 20, "inter_chunk_s": 1, "total_s": 60},
    "hedge": {"min_samples": 1, "max_share": 1.0},
    "target": CHAIN[:2],
    "fallback": {"after_first_token": "fail"},
}
LATE = {"kind": "slow_first_token", "provider": "openai", "extra_s": 8.0, "from_s": 10, "to_s": 60}


def late_call(*faults: dict[str, Any]) -> tuple[str, list[CallFacts], int]:
    """One call in time, then one at 20 s whose first token is late.

    Returns the outcome of the late one, the facts of both, and the requests in flight right after.
    """
    outcomes: list[str] = []
    facts: list[CallFacts] = []
    in_flight: list[int] = []

    async def ask(lab: Lab, id: str) -> str:
        try:
            await lab.ask(id, messages=(Message("user", "Tell me something."),), max_tokens=60)
        except ProviderError as error:
            return f"{error.kind} {error.phase}"
        return "answered"

    async def scene(lab: Lab) -> None:
        await ask(lab, "in-time")
        await asyncio.sleep(20.0 - lab.now())
        outcomes.append(await ask(lab, "late"))
        in_flight.append(lab.app.in_flight)
        facts.extend(lab.facts)

    play(scene, profile=PROFILE, seed=1, faults=[LATE, *faults], **STACK)
    return outcomes[0], facts, in_flight[0]


def test_over_a_network_the_losers_connection_is_cut_and_its_prompt_billed() -> None:
    outcome, [_, facts], in_flight = late_call()
    assert (outcome, in_flight) == ("answered", 0)
    assert [(a.kind, a.provider, a.outcome) for a in facts.attempts] == [
        ("primary", "openai", "abandoned"),
        ("hedge", "anthropic", "success"),
    ]
    lost, won = facts.attempts
    assert lost.end_s == won.first_s
    assert lost.cost_nusd > 0
    assert not lost.usage_known
    assert facts.answered_by is won


def test_the_inter_chunk_deadline_holds_for_a_hedge_that_won() -> None:
    stall = {"kind": "stall", "provider": "anthropic", "after_chunks": 3, "from_s": 10, "to_s": 60}
    outcome, [_, facts], _ = late_call(stall)
    assert outcome == "timeout_inter_chunk after"
    assert [a.outcome for a in facts.attempts] == ["abandoned", "failed"]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_race_is_run_the_same_way_twice(seed: int) -> None:
    def rows() -> list[dict[str, Any]]:
        return [facts.as_row() for facts in late_call({**LATE, "extra_s": 1.0 + seed})[1]]

    assert rows() == rows()
