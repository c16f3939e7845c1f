"""The lab: a stack, its gateway and the mock providers in virtual time, with checks of costs and leaks.

By default nothing is random: the first token takes `TTFT_S`, every further one `GAP_S`, a refusal
`REFUSAL_S`; a chunk is one token, and the network takes no time. So what a caller received, what the stack
reports and what the providers' ledger holds can be compared to the moment and to the nano-dollar.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import openai
import orjson

from harness.stack.admission.breaker import Circuit
from harness.stack.admission.quota import Quota
from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Answer, Reply
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.state.backend import Backend, MemoryBackend
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_client
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from harness.world.serving import serve
from mock_providers import Catalogue, LedgerRow, MockApp, Profile, parse_faults
from tests.lab.body_edits import BodyEdit, EditedMockApp
from tests.lab.providers import CHAIN_PROVIDERS, MODELS, NUSD, open_providers, profile_of
from tests.lab.received import Received

TTFT_S = 0.4
GAP_S = 0.02
REFUSAL_S = 0.02
IDLE_S = 700.0
"""Longer than any connection is kept, any fault lasts and any breaker stays open."""

STEADY: dict[str, Any] = {
    "ttft": {"kind": "constant", "value_s": TTFT_S},
    "pace": {
        "tokens_per_s": 1 / GAP_S,
        "reply_sigma": 0.0,
        "chunk_sigma": 0.0,
        "chunk_tokens": [1, 1],
    },
}
"""Latencies without variance: tables of a model."""

Fault = dict[str, Any]


def target(provider: str, **more: Any) -> dict[str, Any]:
    """An entry of the chain."""
    return {"provider": provider, "model": MODELS[provider], **more}


CHAIN = tuple(target(name) for name in CHAIN_PROVIDERS)


def prompt(id: str, tokens: int) -> str:
    """A prompt unique to that call, which the mock answers in exactly `tokens` tokens."""
    return f"{id}: tell me something, in about {tokens} tokens."


class Lab:
    """One stack (or several replicas of it), the gateway before the first one, and the providers.

    facts    of every call that has ended, as the stack emitted them
    gateway  its origin; `client` is an HTTP client for it
    system   the system prompt of the calls made here
    """

    def __init__(
        self,
        app: MockApp,
        endpoints: dict[str, Endpoint],
        stacks: list[Stack],
        gateway: str,
        client: httpx.AsyncClient,
        facts: list[CallFacts],
        backend: Backend,
    ) -> None:
        self.app, self.endpoints = app, endpoints
        self.stacks, self.stack, self.gateway = stacks, stacks[0], gateway
        self.client, self.facts, self.backend = client, facts, backend
        self.system = "Be brief."

    def now(self) -> float:
        """The loop's clock, which reads 0 at t = 0 of the providers' ledger."""
        return asyncio.get_running_loop().time()

    async def begin(
        self,
        id: str = "c1",
        tokens: int = 40,
        stack: Stack | None = None,
        *,
        messages: Sequence[Message] | None = None,
        **request: Any,
    ) -> Reply:
        """A call in process, until its first event; asks for `tokens` tokens unless `messages` are given."""
        called = stack or self.stack
        default = (Message("system", self.system), Message("user", prompt(id, tokens)))
        return await called.ask(called.call(id, tuple(messages or default), self.now(), **request))

    async def ask(
        self, id: str = "c1", tokens: int = 40, stack: Stack | None = None, **request: Any
    ) -> Answer:
        """A call in process, read to its end; arguments as of `begin`."""
        async with await self.begin(id, tokens, stack, **request) as reply:
            return await reply.answer()

    async def ask_gateway(
        self,
        received: Received,
        id: str = "c1",
        tokens: int = 40,
        *,
        leave_after: int | None = None,
        **body: Any,
    ) -> Received:
        """A call over HTTP, recorded in `received`; the client hangs up after `leave_after` chunks with text.

        `body` changes the request's JSON, which asks for a stream.
        """
        messages = [
            {"role": "system", "content": self.system},
            {"role": "user", "content": prompt(id, tokens)},
        ]
        content = orjson.dumps({"model": "any", "stream": True, **body, "messages": messages})
        headers = {
            "x-brownout-call-id": id,
            "x-brownout-facts": "comment",
            "content-type": "application/json",
        }
        url = f"{self.gateway}/v1/chat/completions"
        try:
            async with self.client.stream("POST", url, content=content, headers=headers) as response:
                received.status, received.headers = response.status_code, response.headers
                async for line in response.aiter_lines():
                    if line:
                        received.lines.append(line.encode())
                        received.at_s.append(self.now())
                    if leave_after is not None and len(received.content_at_s) == leave_after:
                        break
        finally:
            received.ended_s = self.now()
        return received

    def sdk(self, **options: Any) -> openai.AsyncOpenAI:
        """The official OpenAI SDK as a client of the gateway, with its own defaults."""
        return openai.AsyncOpenAI(base_url=f"{self.gateway}/v1", api_key="k", **options)

    async def drain(self) -> None:
        """Wait a second, in which everything under way arrives: then the ledger is complete."""
        await asyncio.sleep(1.0)

    def connections_to(self, origin: str) -> int:
        """The number of open connections to that server."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        port = httpx.URL(origin).port
        return sum(link.server[1] == port for link in loop.network.open_connections)

    @property
    def rows(self) -> list[LedgerRow]:
        """The providers' ledger, in order of arrival."""
        return sorted(self.app.ledger.rows, key=lambda row: (row.received_s, row.attempt_id or ""))

    def row(self, attempt: AttemptFacts) -> LedgerRow:
        """The ledger's row of an attempt."""
        [row] = [row for row in self.app.ledger.rows if row.attempt_id == attempt.attempt_id]
        return row

    @property
    def attempts(self) -> list[AttemptFacts]:
        """The attempts of all calls."""
        return [attempt for facts in self.facts for attempt in facts.attempts]

    @property
    def attempt_path(self) -> list[tuple[str, str]]:
        """(kind, provider) of each attempt, in order."""
        return [(attempt.kind, attempt.provider) for attempt in self.attempts]

    def assert_paid_exactly(self, *, at_least_nusd: int = 1) -> None:
        """The stack's cost of each attempt equals its provider's bill, and the sum is not zero."""
        ours = {attempt.attempt_id: attempt.cost_nusd for attempt in self.attempts if attempt.sent}
        assert ours == {row.attempt_id: row.cost_nusd for row in self.rows}
        assert sum(ours.values()) == sum(facts.cost_nusd for facts in self.facts) >= at_least_nusd
        for row in self.rows:
            if row.cost_nusd:
                input_nusd, output_nusd = NUSD[row.provider]
                full_nusd = row.input_tokens * input_nusd + row.output_tokens * output_nusd
                assert row.cost_nusd == full_nusd - row.cached_input_tokens * input_nusd // 2

    def assert_nothing_is_left(self) -> None:
        """No task, connection, permit or probe is held; each call was emitted once, each attempt ended."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        report = loop.leak_report()
        assert (report.tasks, report.connections, self.app.in_flight) == ((), (), 0)
        ids = [facts.call_id for facts in self.facts]
        assert len(ids) == len(set(ids))
        assert all(attempt.outcome is not None for attempt in self.attempts)
        ours = {attempt.attempt_id for attempt in self.attempts}
        assert {row.attempt_id for row in self.rows if row.attempt_id is not None} <= ours
        if isinstance(self.backend, MemoryBackend):
            states = self.backend._values.values()
            assert sum(state.in_flight for state in states if isinstance(state, Quota)) == 0
            assert sum(state.probing for state in states if isinstance(state, Circuit)) == 0


Scene = Callable[[Lab], Awaitable[None]]


@asynccontextmanager
async def open_lab(
    *,
    faults: Sequence[Fault] = (),
    models: Mapping[str, Mapping[str, Any]] | None = None,
    profile: Profile | None = None,
    seed: int = 3,
    answers: Catalogue | None = None,
    keys: Mapping[str, str] | None = None,
    edits: Mapping[str, BodyEdit | None] | None = None,
    backend: Backend | None = None,
    replicas: int = 1,
    shared: bool = True,
    epoch_s: float = 0.0,
    **table: Any,
) -> AsyncIterator[Lab]:
    """Open a lab on the running loop.

    faults, seed, answers  of the mock providers
    models                 changes to a provider's model, by the provider's name
    profile                the providers, instead of the steady ones of the lab
    keys                   named API keys of every provider
    edits                  changes to a provider's response bodies
    replicas               stacks, which keep their state in one backend if `shared`
    epoch_s                Unix time at zero of the stacks' clock
    table                  the stack's TOML; default: a fallback over three providers
    """
    profile = profile or profile_of(STEADY, models=models, error_latency_s=REFUSAL_S)
    scheduled = parse_faults([dict(fault) for fault in faults], profile)
    app = EditedMockApp(profile, edits or {}, seed=seed, answers=answers, faults=scheduled)
    async with AsyncExitStack() as world:
        endpoints = await world.enter_async_context(open_providers(app, keys))
        options = StackOptions.model_validate({"target": CHAIN, "fallback": {}, **table})
        backend = backend or MemoryBackend()
        facts: list[CallFacts] = []
        stacks = [
            build(
                options,
                endpoints,
                sink=facts.append,
                backend=backend if shared else MemoryBackend(),
                epoch_s=epoch_s,
            )
            for _ in range(replicas)
        ]
        for stack in stacks:
            world.push_async_callback(stack.aclose)
        gateway = await world.enter_async_context(serve(Gateway(stacks[0])))
        client = await world.enter_async_context(make_client(2.0))
        yield Lab(app, endpoints, stacks, gateway, client, facts, backend)


def play(scene: Scene, **options: Any) -> None:
    """Run a scene in a lab in virtual time; nothing may be left open after it, the client still connected.

    `options` are those of `open_lab`.
    """

    async def played() -> None:
        async with open_lab(**options) as lab:
            await scene(lab)
            await asyncio.sleep(IDLE_S)
            lab.assert_nothing_is_left()

    reports: list[LeakReport] = []
    run_virtual(played(), on_leak_report=reports.append)
    assert reports == [LeakReport()]
