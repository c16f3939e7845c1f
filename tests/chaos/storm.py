"""A load of thousands of calls with every fault and callers that hang up at any time, in virtual time.

All draws are keyed by the call's number, so a storm repeats. A caller's behaviour is one of `LEAVES`:

- `stay`: read the reply to its end
- `before send`: cancelled while it connects or queues in the limiter
- `before first`: cancelled about when the first token is due
- `mid-stream`: closes the reply after some events, or is cancelled while it waits for the next one
- `at the end`: closes the reply, or is cancelled, right at the terminal event
- `any time`: cancelled at a random moment of the first seconds

Some calls that queue in the limiter are cancelled at the very instant of their admission, which no random
time would hit.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import httpx
import orjson
import pytest

from harness.stack.admission import admission, limiter
from harness.stack.admission.admission import AdmissionQueue
from harness.stack.admission.quota import Admission, Demand
from harness.stack.admission.wait_queue import Waiter
from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.draws import uniform
from harness.stack.core.errors import StackError
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Finish
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.money.attempt_ledger import AttemptLedger
from harness.stack.state.backend import MemoryBackend
from harness.stack.upstream.transport import make_client
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from harness.world.serving import serve
from mock_providers import MockApp, Profile, parse_faults
from tests.lab.providers import open_providers, profile_of
from tests.mock_providers.quirks.odd_replies import variants

SEED = 11
RATE_PER_S = 40.0
QUESTIONS = 4_000
"""So many different prompts: some are asked again, and the cache may answer."""
LINK_DELAY_S = 0.01
"""One way, on every connection: that long nobody knows yet what the other end has done."""
TTFT_S = 0.3
TOKENS_PER_S = 100.0
MOST_CHUNK_TOKENS = 4
IDLE_S = 60.0
"""Longer than the stack keeps connections alive, shorter than the providers do."""

LEAVES = ("stay", "before send", "before first", "mid-stream", "at the end", "any time")
SHARES = (0.5, 0.08, 0.08, 0.14, 0.08, 0.12)

CANCELLED_AS_ADMITTED = 0.02
"""The share of queued calls that are cancelled at the instant of their admission."""
AS_ADMITTED = "as admitted"

FAULTS: list[dict[str, Any]] = [
    {"kind": "outage", "from_s": 40, "to_s": 55, "provider": "openai"},
    {"kind": "http_error", "status": 500, "probability": 0.03},
    {"kind": "http_error", "status": 429, "probability": 0.02},
    {"kind": "http_error", "status": 401, "probability": 0.005},
    {"kind": "http_error", "status": 400, "probability": 0.005},
    {"kind": "brownout", "probability": 0.05, "extra_s": 1.0, "slowdown": 2.0},
    {"kind": "brownout", "probability": 0.01, "extra_s": 5.0},
    {"kind": "hang", "probability": 0.01, "hold_s": 600},
    {"kind": "hang", "probability": 0.01, "hold_s": 1},
    {"kind": "reset", "probability": 0.02, "after_chunks": 0},
    {"kind": "reset", "probability": 0.02, "after_chunks": 3},
    {"kind": "reset", "probability": 0.01, "after_chunks": 1000},
    {"kind": "refuse", "probability": 0.01},
    {"kind": "key_revoked", "probability": 0.003},
    {"kind": "region_outage", "region": "us", "probability": 0.01},
    {"kind": "slow_first_token", "probability": 0.01, "extra_s": 1.0},
    {"kind": "slow_drip", "probability": 0.01, "gap_s": 0.5},
    {"kind": "stall", "probability": 0.01, "after_chunks": 3, "hold_s": 1.0},
    {"kind": "truncate", "probability": 0.01, "after_chunks": 3},
    {"kind": "malformed_json", "probability": 0.01, "after_chunks": 3},
    {"kind": "malformed_sse", "probability": 0.01, "after_chunks": 3},
    {"kind": "in_band_error", "probability": 0.01, "after_chunks": 3},
    {"kind": "html_200", "probability": 0.01},
    {"kind": "quality_loss", "probability": 0.01},
    {"kind": "clock_skew", "probability": 0.01},
]

ODD_FAULTS: list[dict[str, Any]] = [
    *(
        {"kind": "odd_chunk", "variant": variant, "after_chunks": 1, "probability": 0.02}
        for variant in variants("odd_chunk")
    ),
    *(
        {"kind": "odd_usage", "variant": variant, "probability": 0.02}
        for variant in ("missing", "null", "zero_first", "cumulative", "late", "text", "fraction")
    ),
    *(
        {"kind": "odd_framing", "variant": variant, "probability": 0.02}
        for variant in ("crlf", "no_space", "comments", "no_last_blank_line", "no_end_marker", "split")
    ),
    *(
        {"kind": "odd_finish", "variant": variant, "after_chunks": 1, "probability": 0.01}
        for variant in variants("odd_finish")
    ),
    *({"kind": "broken_end", "variant": variant, "probability": 0.01} for variant in variants("broken_end")),
    {"kind": "reasoning", "for_s": 4.0, "probability": 0.02},
    {"kind": "early_headers", "gap_s": 0.1, "probability": 0.02},
    *(
        {"kind": "keep_alive_close", "variant": variant, "probability": 0.02}
        for variant in variants("keep_alive_close")
    ),
    *(
        {"kind": "http_error", "variant": variant, "probability": 0.01}
        for variant in (
            "credit_spent",
            "quota_exhausted",
            "context_length",
            "request_over_limit",
            "too_large",
            "model_gone",
            "max_tokens",
        )
    ),
    {"kind": "reset", "probability": 0.02, "after_chunks": 3},
    {"kind": "http_error", "status": 500, "probability": 0.02},
]
"""Replies as real providers and proxies send them, and two failures."""

STACK: dict[str, Any] = {
    "deadlines": {"connect_s": 2, "first_token_s": 3, "inter_chunk_s": 2, "total_s": 20},
    "cache": {"ttl_s": 60},
    "retry": {"attempts": 2, "base_s": 0.1, "cap_s": 1, "max_retry_after_s": 2},
    "target": [
        {
            "provider": "openai",
            "model": "gpt-4o",
            "limiter": {"rpm": 1_500, "tpm": 500_000, "burst_s": 2, "max_wait_s": 2},
        },
        {
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "limiter": {"rpm": 600, "tpm": 90_000, "burst_s": 2, "max_wait_s": 2, "settle": "usage"},
        },
        {
            "provider": "together",
            "model": "meta-llama/Llama-3-70b-chat-hf",
            "limiter": {"tpm": 60_000, "burst_s": 5, "max_wait_s": 1, "settle": "usage"},
        },
    ],
}
LIMITS = {"openai": {"requests_per_min": 1_400, "burst_s": 2.0}}
"""Of the providers: OpenAI's is a little tighter than the stack believes, so that some 429s get through."""


def storm_profile() -> Profile:
    """The three providers of `STACK`."""
    return profile_of(
        {
            "ttft": {"kind": "lognormal", "median_s": TTFT_S, "sigma": 0.3},
            "pace": {"tokens_per_s": TOKENS_PER_S, "chunk_tokens": [1, MOST_CHUNK_TOKENS]},
            "context_window": 8_000,
            "max_output_tokens": 4_000,
        },
        models={name: {"limits": limits} for name, limits in LIMITS.items()},
    )


class CountedQueue(AdmissionQueue):
    """Counts what was taken, less what was returned."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.taken_requests = 0.0
        self.taken_tokens = 0.0

    async def _take(self, demand: Demand) -> Admission:
        admitted = await super()._take(demand)
        if admitted.wait_s == 0.0:
            self.taken_requests += demand.requests
            self.taken_tokens += demand.tokens
        return admitted

    def release(self, unused: Demand, output_tokens: float = 0.0) -> None:
        super().release(unused, output_tokens)
        self.taken_requests -= unused.requests
        self.taken_tokens -= unused.tokens

    @property
    def in_flight(self) -> int:
        """Requests that hold a slot."""
        assert isinstance(self._backend, MemoryBackend)
        return int(self._backend.peek(self._key).in_flight)


class JumpyWaiter(Waiter):
    """A place in the limiter's queue whose caller is, with some probability, cancelled as it is admitted."""

    __slots__ = ()

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        task = asyncio.current_task()
        assert task is not None
        name = task.get_name()
        if name.startswith("c") and uniform(SEED, "as admitted", name) < CANCELLED_AS_ADMITTED:
            # Added before the caller waits, so it runs before the caller wakes.
            self.admitted.add_done_callback(partial(_cancel_unless_it_was, task))


def _cancel_unless_it_was(task: asyncio.Task[Any], admitted: asyncio.Future[Admission]) -> None:
    if not admitted.cancelled():
        task.cancel(AS_ADMITTED)


@dataclass(slots=True)
class Storm:
    """The state during and after a storm.

    asked      calls by their caller's behaviour; `became`: by outcome for the caller
    emitted    the facts of each call as they were when they were emitted; `facts`: as they were at the end
    settled    how often each attempt was settled
    queues     those of the targets' limiters, in their order
    ledger     the providers' rows; `in_flight`: requests still open there
    idle       the leak report a while after the last call, with the client still open
    end        the leak report after everything was closed
    """

    asked: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    emitted: list[dict[str, Any]] = field(default_factory=list)
    facts: list[CallFacts] = field(default_factory=list)
    settled: Counter[str] = field(default_factory=Counter)
    queues: list[CountedQueue] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = -1
    most_connections: int = 0
    cancelled_as_admitted: int = 0
    idle: LeakReport = field(default_factory=LeakReport)
    end: LeakReport = field(default_factory=LeakReport)

    def sink(self, facts: CallFacts) -> None:
        """Record the facts of a call."""
        self.facts.append(facts)
        self.emitted.append(facts.as_row())

    @property
    def attempts(self) -> list[AttemptFacts]:
        """The attempts of all calls."""
        return [attempt for facts in self.facts for attempt in facts.attempts]


@contextmanager
def _watched(storm: Storm) -> Iterator[None]:
    """Count how often attempts are settled, and keep the limiters' queues that the stack is built with."""
    settle = AttemptLedger._settle

    def counted(ledger: AttemptLedger, call: Call, attempt: AttemptFacts, *args: Any, **options: Any) -> None:
        storm.settled[attempt.attempt_id] += 1
        settle(ledger, call, attempt, *args, **options)

    def queue(*args: Any, **options: Any) -> CountedQueue:
        storm.queues.append(CountedQueue(*args, **options))
        return storm.queues[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttemptLedger, "_settle", counted)
        patch.setattr(limiter, "AdmissionQueue", queue)
        patch.setattr(admission, "Waiter", JumpyWaiter)
        yield


def unleash(
    calls: int,
    *,
    through_gateway: bool = False,
    in_flights: bool = False,
    faults: Sequence[dict[str, Any]] = FAULTS,
) -> Storm:
    """Run a storm of `calls` to its end; `in_flights`: equal concurrent requests share one upstream call."""
    storm = Storm()
    with _watched(storm):
        run_virtual(
            _play(storm, calls, through_gateway, in_flights, faults),
            on_leak_report=lambda left: setattr(storm, "end", left),
        )
    return storm


Opened = AbstractAsyncContextManager[AsyncIterator[object]]
Open = Callable[["Asked"], Opened]
"""Sends a call; the reply's events, and at the end they are left."""


async def _play(
    storm: Storm, calls: int, through_gateway: bool, in_flights: bool, faults: Sequence[dict[str, Any]]
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.network.delay_s = LINK_DELAY_S
    profile = storm_profile()
    app = MockApp(profile, seed=SEED, faults=parse_faults(faults, profile))
    async with AsyncExitStack() as world:
        endpoints = await world.enter_async_context(open_providers(app))
        options = STACK | {"cache": STACK["cache"] | {"single_flight": in_flights}}
        stack = build(StackOptions.model_validate(options), endpoints, sink=storm.sink, seed=SEED)
        world.push_async_callback(stack.aclose)
        asking = await world.enter_async_context(_gateway(stack)) if through_gateway else _in_process(stack)
        await _let_loose(storm, calls, asking)
        await asyncio.sleep(IDLE_S)
        storm.idle = loop.leak_report()
        storm.in_flight = app.in_flight
        storm.ledger = [asdict(row) for row in app.ledger.rows]
    await asyncio.sleep(IDLE_S)


async def _let_loose(storm: Storm, calls: int, opened: Open) -> None:
    """Start each call at its time (open loop) and wait for all."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    tasks: list[asyncio.Task[None]] = []
    start_s = loop.time()
    for n in range(calls):
        await asyncio.sleep(start_s + n / RATE_PER_S - loop.time())
        asked = Asked(n)
        task = loop.create_task(_ask(storm, asked, opened), name=asked.id)
        tasks.append(task)
        if asked.cancelled_after_s is not None:
            loop.call_later(asked.cancelled_after_s, task.cancel)
        storm.most_connections = max(storm.most_connections, len(loop.network.open_connections))
    await asyncio.wait(tasks)


class Asked:
    """The n-th call: its request and its caller's behaviour, both keyed by the number."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.id = f"c{n:05d}"
        number = int(QUESTIONS * self.draw("question") ** 2)  # some are popular
        length = 4 + int(40 * uniform(SEED, "length", number))
        padding = "really " * int(40 * uniform(SEED, "padding", number))
        self.prompt = f"{number}: tell me {padding}something, in about {length} tokens."
        self.stream = self.draw("stream") < 0.85
        self.leave = self._leave()
        self.cancelled_after_s = self._cancelled_after_s()
        self.events = 1 + int(8 * self.draw("events")) if self.leave == "mid-stream" else None
        self.by_cancelling = self.draw("by cancelling") < 0.5
        self.linger_s = 0.05 * self.draw("linger")

    def draw(self, what: str) -> float:
        """A number in [0, 1)."""
        return uniform(SEED, what, self.n)

    def _leave(self) -> str:
        at, below = self.draw("leave"), 0.0
        for leave, share in zip(LEAVES, SHARES, strict=True):
            below += share
            if at < below:
                return leave
        return LEAVES[0]

    def _cancelled_after_s(self) -> float | None:
        longest_s = {"before send": 5 * LINK_DELAY_S, "before first": 1.5 * TTFT_S, "any time": 4.0}
        within_s = longest_s.get(self.leave)
        return None if within_s is None else within_s * self.draw("cancelled")


async def _ask(storm: Storm, asked: Asked, opened: Open) -> None:
    storm.asked[asked.leave] += 1
    try:
        async with opened(asked) as events:
            storm.became[await _read(asked, events)] += 1
    except asyncio.CancelledError as cancelled:
        storm.became["cancelled"] += 1
        storm.cancelled_as_admitted += cancelled.args == (AS_ADMITTED,)
    except StackError as error:
        storm.became[error.kind] += 1
    except httpx.HTTPError as error:
        storm.became[type(error).__name__] += 1


async def _read(asked: Asked, events: AsyncIterator[object]) -> str:
    """Read as far as this caller's behaviour says."""
    me = asyncio.current_task()
    assert me is not None
    read = 0
    async for event in events:
        read += 1
        last = isinstance(event, Finish) or event == "data: [DONE]"
        if read == asked.events or (last and asked.leave == "at the end"):
            if not asked.by_cancelling:
                return "left"
            if last:
                me.cancel()
            else:
                asyncio.get_running_loop().call_later(asked.linger_s, me.cancel)
    return "answered"


def _in_process(stack: Stack) -> Open:
    @asynccontextmanager
    async def opened(asked: Asked) -> AsyncIterator[AsyncIterator[object]]:
        now = asyncio.get_running_loop().time()
        messages = (Message("system", "Be brief."), Message("user", asked.prompt))
        call = stack.call(asked.id, messages, now, model="gpt-4o", max_tokens=200, stream=asked.stream)
        async with await stack.ask(call) as reply:
            yield reply

    return opened


@asynccontextmanager
async def _gateway(stack: Stack) -> AsyncIterator[Open]:
    async with serve(Gateway(stack)) as origin, make_client(2.0) as client:

        @asynccontextmanager
        async def opened(asked: Asked) -> AsyncIterator[AsyncIterator[object]]:
            body = {
                "model": "gpt-4o",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": asked.prompt},
                ],
                "max_tokens": 200,
                "stream": asked.stream,
            }
            headers = {"x-brownout-call-id": asked.id, "content-type": "application/json"}
            url = f"{origin}/v1/chat/completions"
            async with client.stream("POST", url, content=orjson.dumps(body), headers=headers) as got:
                yield (line async for line in got.aiter_lines() if line)

        yield opened
