"""Batches against the mock providers in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.stack.batch.anthropic import AnthropicBatches
from harness.stack.batch.client import BatchClient, BatchLane
from harness.stack.batch.http import BatchItem
from harness.stack.batch.journal import BilledResult, Journal
from harness.stack.batch.openai import OpenAIBatches
from harness.stack.batch.options import BatchClientOptions
from harness.stack.core.reply import Usage
from harness.stack.money.price_list import default_prices
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_transport
from harness.stack.wire.anthropic import AnthropicCodec
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai import OpenAICodec
from harness.virtual import run_virtual
from mock_providers import LedgerRow, MockApp, Profile, parse_faults
from tests.lab.providers import MODELS, open_providers, profile_of

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
    return profile_of(
        {"ttft": {"kind": "constant", "value_s": 0.4}, "pace": {"tokens_per_s": 50.0}},
        names=list(PRICES),
        models={name: {"price": price} for name, price in PRICES.items()},
        providers={name: {"batch": dict(batch)} for name in PRICES},
    )


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
                live = prices[MODELS[row.provider]].of(Usage(row.input_tokens, row.output_tokens))
                assert row.cost_nusd == -(-live // 2)


@asynccontextmanager
async def providers(
    faults: list[dict[str, Any]] | None = None, seed: int = 3, **batch: Any
) -> AsyncIterator[Providers]:
    """The two of them, with these batch options; t = 0 is now."""
    profile = _profile(batch)
    app = MockApp(profile, seed=seed, faults=parse_faults(faults or [], profile))
    codecs: dict[str, Codec] = {"openai": OpenAICodec(), "anthropic": AnthropicCodec()}
    async with make_transport() as transport, open_providers(app) as endpoints:
        lanes = {}
        for name, batches in (("openai", OpenAIBatches), ("anthropic", AnthropicBatches)):
            api = batches.at(transport, codecs[name], endpoints[name])
            lanes[name] = BatchLane(api, default_prices()[MODELS[name]])
        yield Providers(app, lanes, endpoints)


Scene = Callable[[Providers], Awaitable[None]]


def play(scene: Scene, faults: list[dict[str, Any]] | None = None, **batch: Any) -> None:
    async def played() -> None:
        async with providers(faults, **batch) as world:
            await scene(world)

    run_virtual(played())
