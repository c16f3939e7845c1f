"""Batches against the mock providers in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.stack.batch.anthropic import AnthropicBatches
from harness.stack.batch.client import BatchClient, BatchClientOptions, BatchLane
from harness.stack.batch.http import BatchItem
from harness.stack.batch.journal import BilledResult, Journal
from harness.stack.batch.openai import OpenAIBatches
from harness.stack.money.price_list import default_prices
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_transport
from harness.stack.wire.anthropic import AnthropicCodec
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai import OpenAICodec
from harness.virtual import run_virtual
from harness.world.serving import serve
from mock_providers import LedgerRow, MockApp, Profile, make_profile, parse_faults

MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
PRICES = {
    "openai": {"input": "2.50", "output": "10", "cached_input": "1.25"},
    "anthropic": {
        "input": "3",
        "output": "15",
        "cached_input": "0.30",
        "cache_write": "3.75",
        "cache_write_1h": "6",
    },
}


def requests(provider: str, count: int = 5, *, bad: int | None = None) -> list[BatchItem]:
    """Lines of a batch; the one numbered `bad` asks for what the provider refuses."""
    asked = []
    for n in range(count):
        body: dict[str, Any] = {
            "model": MODELS[provider],
            "max_tokens": -1 if n == bad else 60,
            "messages": [{"role": "user", "content": f"Tell me something, in about {5 + n} tokens. {n}"}],
        }
        asked.append(BatchItem(f"line-{n}", orjson.dumps(body)))
    return asked


def _profile(batch: Mapping[str, Any]) -> Profile:
    def provider(name: str) -> dict[str, Any]:
        model = {
            "tier": "balanced",
            "price": PRICES[name],
            "ttft": {"kind": "constant", "value_s": 0.4},
            "pace": {"tokens_per_s": 50.0},
            "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
            "context_window": 16_000,
            "max_output_tokens": 8_000,
        }
        return {"protocol": name, "batch": dict(batch), "models": {MODELS[name]: model}}

    providers = {name: provider(name) for name in MODELS}
    return make_profile({"name": "batches", "title": "batches", "providers": providers})


@dataclass(slots=True)
class Providers:
    """Both providers, and clients of theirs."""

    app: MockApp
    lanes: dict[str, BatchLane]
    endpoints: dict[str, Endpoint]

    def client(self, folder: Path, seed: int = 0, **options: Any) -> BatchClient:
        """A process that keeps its batches in `folder`."""
        return BatchClient(self.lanes, Journal(folder), BatchClientOptions(**options), seed)

    @property
    def rows(self) -> list[LedgerRow]:
        """What the providers did of batches."""
        return [row for row in self.app.ledger.rows if row.batch_id is not None]

    @property
    def batches(self) -> int:
        """How many batches they were paid for."""
        return len({row.batch_id for row in self.rows})

    def assert_paid_exactly(self, *results: list[BilledResult]) -> None:
        """What the client says it cost is what the providers billed, and each answer is half price."""
        billed = sum(row.cost_nusd for row in self.rows)
        assert sum(each.cost_nusd for result in results for each in result) == billed > 0
        prices = default_prices()
        for row in self.rows:
            if row.status == 200:
                price = prices[MODELS[row.provider]]
                live = row.input_tokens * price.input_nusd + row.output_tokens * price.output_nusd
                assert row.cost_nusd == -(-live // 2)


@asynccontextmanager
async def providers(
    faults: list[dict[str, Any]] | None = None, seed: int = 3, **batch: Any
) -> AsyncIterator[Providers]:
    """The two of them, with these batch options; t = 0 is now."""
    profile = _profile(batch)
    app = MockApp(profile, seed=seed, faults=parse_faults(faults or [], profile))
    codecs: dict[str, Codec] = {"openai": OpenAICodec(), "anthropic": AnthropicCodec()}
    async with AsyncExitStack() as world:
        transport = make_transport()
        world.push_async_callback(transport.aclose)
        lanes, endpoints = {}, {}
        for name, batches in (("openai", OpenAIBatches), ("anthropic", AnthropicBatches)):
            origin = await world.enter_async_context(serve(app.provider(name), cut=app.hang_up))
            endpoint = endpoints[name] = Endpoint(f"{origin}{'' if name == 'anthropic' else '/v1'}", "sk-b")
            api = batches.at(transport, codecs[name], endpoint)
            lanes[name] = BatchLane(api, default_prices()[MODELS[name]])
        app.start(asyncio.get_running_loop().time())
        yield Providers(app, lanes, endpoints)


Scene = Callable[[Providers], Awaitable[None]]


def play(scene: Scene, faults: list[dict[str, Any]] | None = None, **batch: Any) -> None:
    async def played() -> None:
        async with providers(faults, **batch) as world:
            await scene(world)

    run_virtual(played())
