"""A stack over the mock providers in virtual time, and what holds after every scene played in it.

Nothing is left to chance: a first token takes `TTFT_S`, each one more `GAP_S`, a refusal `REFUSAL_S`; a chunk
is one token, and no time passes on the way. So what a caller saw, what the stack says and what the
provider's ledger says can be compared to the moment and to the nano-dollar.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import orjson

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Answer, Reply
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.limits.quota import Quota
from harness.stack.resilience.breaker import Circuit
from harness.stack.state.backend import Backend, MemoryBackend
from harness.stack.upstream.send import Endpoint
from harness.stack.upstream.transport import make_client
from harness.virtual import LeakReport, VirtualLoop, run_virtual
from harness.world.serving import serve
from mock_providers import AsgiApp, LedgerRow, MockApp, Profile, make_profile, parse_faults
from mock_providers.http.asgi import Receive, Scope, Send

TTFT_S = 0.4
GAP_S = 0.02
REFUSAL_S = 0.02
IDLE_S = 700.0
"""Longer than any connection is kept, any fault holds on and any breaker stays open."""

MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "together": "meta-llama/Llama-3-70b-chat-hf",
}
PRICES = {"openai": ("2.50", "10"), "anthropic": ("3", "15"), "together": ("0.90", "0.90")}
NUSD = {"openai": (2_500, 10_000), "anthropic": (3_000, 15_000), "together": (900, 900)}
"""Nano-dollars for a token in, and for one out; half of the first for OpenAI's tokens from its cache."""

Fault = dict[str, Any]
Edit = Callable[[bytes], bytes]
"""What becomes of a part of a provider's reply on its way."""


def target(provider: str, **more: Any) -> dict[str, Any]:
    """An entry of the chain."""
    return {"provider": provider, "model": MODELS[provider], **more}


CHAIN = tuple(target(name) for name in MODELS)


def prompt(id: str, tokens: int) -> str:
    """A prompt of that call's own that is answered in exactly so many tokens."""
    return f"{id}: tell me something, in about {tokens} tokens."


def words_of(lines: Sequence[bytes]) -> str:
    """The text in the chunks of a stream."""
    chunks = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas)


@dataclass(slots=True)
class Heard:
    """What a client of the gateway got: each line of the body that is not empty, and when it came."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    ended_s: float = 0.0

    @property
    def text(self) -> str:
        """The words in a stream."""
        return words_of(self.lines)

    @property
    def words_at_s(self) -> list[float]:
        """When each chunk with words came."""
        return [at_s for line, at_s in zip(self.lines, self.at_s, strict=True) if words_of([line])]

    @property
    def last(self) -> Any:
        """The last event of a stream, or the whole of a JSON body."""
        line = [line for line in self.lines if not line.startswith(b":")][-1].removeprefix(b"data: ")
        return line if line == b"[DONE]" else orjson.loads(line)


class Lab:
    """One stack (or several that share their backend), its gateway, and the providers."""

    def __init__(
        self,
        app: MockApp,
        endpoints: dict[str, Endpoint],
        stacks: list[Stack],
        gateway: str,
        client: httpx.AsyncClient,
    ) -> None:
        self.app, self.endpoints = app, endpoints
        self.stacks, self.stack, self.gateway = stacks, stacks[0], gateway
        self.client = client
        self.system = "Be brief."
        self.told: list[CallFacts] = []
        self.backend: Backend = MemoryBackend()

    def now(self) -> float:
        """The loop's clock, which reads 0 at t = 0 of the providers' ledger."""
        return asyncio.get_running_loop().time()

    async def begin(
        self, id: str = "c1", tokens: int = 40, stack: Stack | None = None, **asked: Any
    ) -> Reply:
        """A call in process, until its reply has begun."""
        asking = stack or self.stack
        messages = (Message("system", self.system), Message("user", prompt(id, tokens)))
        return await asking.ask(asking.call(id, messages, self.now(), **asked))

    async def ask(self, id: str = "c1", tokens: int = 40, stack: Stack | None = None, **asked: Any) -> Answer:
        """A call in process, read to its end."""
        async with await self.begin(id, tokens, stack, **asked) as reply:
            return await reply.answer()

    async def listen(
        self, heard: Heard, id: str = "c1", tokens: int = 40, *, words: int | None = None, **asked: Any
    ) -> Heard:
        """A call through the gateway; the client hangs up after so many chunks with `words`."""
        body = {"model": "any", "stream": True, **asked}
        body["messages"] = [
            {"role": "system", "content": self.system},
            {"role": "user", "content": prompt(id, tokens)},
        ]
        headers = {"x-brownout-call-id": id, "content-type": "application/json"}
        url = f"{self.gateway}/v1/chat/completions"
        try:
            async with self.client.stream("POST", url, content=orjson.dumps(body), headers=headers) as got:
                heard.status, heard.headers = got.status_code, got.headers
                async for line in got.aiter_lines():
                    if line:
                        heard.lines.append(line.encode())
                        heard.at_s.append(self.now())
                    if words is not None and len(heard.words_at_s) == words:
                        break
        finally:
            heard.ended_s = self.now()
        return heard

    def sdk(self, **options: Any) -> openai.AsyncOpenAI:
        """The official SDK as a client of the gateway, with its own defaults."""
        return openai.AsyncOpenAI(base_url=f"{self.gateway}/v1", api_key="k", **options)

    async def calm(self) -> None:
        """Let what is under way arrive: then the ledger is complete."""
        await asyncio.sleep(1.0)

    def connections_to(self, origin: str) -> int:
        """How many connections to that server are open."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        port = httpx.URL(origin).port
        return sum(link.server[1] == port for link in loop.network.open_connections)

    @property
    def rows(self) -> list[LedgerRow]:
        """The providers' ledger, in the order in which the requests came."""
        return sorted(self.app.ledger.rows, key=lambda row: (row.received_s, row.attempt_id or ""))

    def row(self, attempt: AttemptFacts) -> LedgerRow:
        """The provider's row of an attempt."""
        [row] = [row for row in self.app.ledger.rows if row.attempt_id == attempt.attempt_id]
        return row

    @property
    def attempts(self) -> list[AttemptFacts]:
        """Those of all calls."""
        return [attempt for facts in self.told for attempt in facts.attempts]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """What the attempts were, and whom they asked."""
        return [(attempt.kind, attempt.provider) for attempt in self.attempts]

    def assert_paid_exactly(self, *, at_least_nusd: int = 1) -> None:
        """What the stack says that each attempt cost is what its provider billed, and it is not nothing."""
        said = {attempt.attempt_id: attempt.cost_nusd for attempt in self.attempts if attempt.sent}
        assert said == {row.attempt_id: row.cost_nusd for row in self.rows}
        assert sum(said.values()) == sum(facts.cost_nusd for facts in self.told) >= at_least_nusd
        for row in self.rows:
            if row.cost_nusd:
                input_nusd, output_nusd = NUSD[row.provider]
                full_nusd = row.input_tokens * input_nusd + row.output_tokens * output_nusd
                assert row.cost_nusd == full_nusd - row.cached_input_tokens * input_nusd // 2

    def assert_nothing_is_left(self) -> None:
        """No task, connection, permit or probe is held; each call was told once, each attempt ended."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        left = loop.leak_report()
        assert (left.tasks, left.connections, self.app.in_flight) == ((), (), 0)
        ids = [facts.call_id for facts in self.told]
        assert len(ids) == len(set(ids))
        assert all(attempt.outcome is not None for attempt in self.attempts)
        ours = {attempt.attempt_id for attempt in self.attempts}
        assert {row.attempt_id for row in self.rows if row.attempt_id is not None} <= ours
        if isinstance(self.backend, MemoryBackend):
            known = self.backend._values.values()
            assert sum(value.in_flight for value in known if isinstance(value, Quota)) == 0
            assert sum(value.probing for value in known if isinstance(value, Circuit)) == 0


Scene = Callable[[Lab], Awaitable[None]]


@asynccontextmanager
async def opened(
    *,
    faults: Sequence[Fault] = (),
    models: Mapping[str, Mapping[str, Any]] | None = None,
    edits: Mapping[str, Edit] | None = None,
    backend: Backend | None = None,
    replicas: int = 1,
    shared: bool = True,
    **table: Any,
) -> AsyncIterator[Lab]:
    """A lab. `models` changes a provider's model, `edits` its replies on their way; `table` is the stack's
    TOML, by default a fallback over all three providers. `replicas` of the stack keep what they know in one
    backend, unless it is not `shared`.
    """
    profile = _profile(models or {})
    app = MockApp(profile, seed=3, faults=parse_faults([dict(fault) for fault in faults], profile))
    async with AsyncExitStack() as world:
        endpoints = {}
        for name in MODELS:
            provider = _edited(app.provider(name), (edits or {}).get(name))
            origin = await world.enter_async_context(serve(provider, cut=app.hang_up))
            endpoints[name] = Endpoint(f"{origin}{'' if name == 'anthropic' else '/v1'}", "sk-x")
        options = StackOptions.model_validate({"target": CHAIN, "fallback": {}, **table})
        kept = backend or MemoryBackend()
        told: list[CallFacts] = []
        stacks = [
            build(options, endpoints, sink=told.append, backend=kept if shared else MemoryBackend())
            for _ in range(replicas)
        ]
        for stack in stacks:
            world.push_async_callback(stack.aclose)
        gateway = await world.enter_async_context(serve(Gateway(stacks[0])))
        lab = Lab(app, endpoints, stacks, gateway, await world.enter_async_context(make_client(2.0)))
        lab.told, lab.backend = told, kept
        app.start(0.0)
        yield lab


def play(scene: Scene, **options: Any) -> None:
    """Play a scene in virtual time, and see that it leaves nothing behind, the client still open."""

    async def played() -> None:
        async with opened(**options) as lab:
            await scene(lab)
            await asyncio.sleep(IDLE_S)
            lab.assert_nothing_is_left()

    left: list[LeakReport] = []
    run_virtual(played(), on_leak_report=left.append)
    assert left == [LeakReport()]


def _edited(app: AsgiApp, edit: Edit | None) -> AsgiApp:
    if edit is None:
        return app

    async def edited(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_edited(message: Any) -> None:
            await send(message | {"body": edit(message["body"])} if message.get("body") else message)

        await app(scope, receive, send_edited)

    return edited


def _profile(changes: Mapping[str, Mapping[str, Any]]) -> Profile:
    def provider(name: str) -> dict[str, Any]:
        price = dict(zip(("input", "output"), PRICES[name], strict=True))
        model: dict[str, Any] = {
            "tier": "balanced",
            "price": price,
            "ttft": {"kind": "constant", "value_s": TTFT_S},
            "pace": {
                "tokens_per_s": 1 / GAP_S,
                "reply_sigma": 0.0,
                "chunk_sigma": 0.0,
                "chunk_tokens": [1, 1],
            },
            "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
            "context_window": 16_000,
            "max_output_tokens": 8_000,
            **changes.get(name, {}),
        }
        return {"protocol": name, "models": {MODELS[name]: model}}

    providers = {name: provider(name) for name in MODELS}
    world = {"name": "lab", "title": "constant latencies", "error_latency_s": REFUSAL_S}
    return make_profile(world | {"providers": providers})
