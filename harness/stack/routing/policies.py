"""Builds the layer from the `[route]` table: every policy, and the state it keeps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..core.call import Call, Layer
from ..core.facts import CallFacts
from ..core.target import Target
from ..money.price import Price
from ..state.backend import Backend
from ..state.quantile import with_sample
from .always import always
from .cascade import Cascade, Judge
from .heuristic import Heuristic
from .latency import LatencyOptions, Sample, latency, sample_of
from .options import RouteOptions
from .oracle import OracleOptions, oracle
from .price import CostOptions, cost
from .route import Policy, Route
from .tiers import Decision, Tiers


@dataclass(frozen=True, slots=True)
class Always:
    """One tier for all calls; learns nothing."""

    name: Literal["small", "large"]
    tiers: Tiers

    async def decide(self, call: Call) -> Decision:
        return always(self.name, self.tiers, call)

    def learn(self, facts: CallFacts) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Oracle:
    """The caller's hint decides; learns nothing."""

    options: OracleOptions
    tiers: Tiers
    name: str = "oracle"

    async def decide(self, call: Call) -> Decision:
        return oracle(self.options, self.tiers, call)

    def learn(self, facts: CallFacts) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Latency:
    """Remembers each target's latest TTFTs."""

    options: LatencyOptions
    tiers: Tiers
    backend: Backend
    name: str = "latency"

    async def decide(self, call: Call) -> Decision:
        known: dict[str, tuple[Sample, ...]] = {}
        for target in self.tiers.targets:
            known[target.name] = await self.backend.update(_key(target), _read)
        return latency(self.options, self.tiers, call, known, asyncio.get_running_loop().time())

    def learn(self, facts: CallFacts) -> None:
        now = asyncio.get_running_loop().time()
        for attempt in facts.attempts:
            for target in self.tiers.targets:
                if (attempt.provider, attempt.model) != (target.provider, target.model):
                    continue
                sample = sample_of(attempt, target, now)
                if sample is not None:
                    self._remember(target, sample)

    def _remember(self, target: Target, sample: Sample) -> None:
        self.backend.post(_key(target), lambda known: (with_sample(known, sample, self.options.window), None))


@dataclass(frozen=True, slots=True)
class Cost:
    """Remembers the latest output lengths."""

    options: CostOptions
    tiers: Tiers
    prices: Mapping[str, Price]
    backend: Backend
    name: str = "cost"

    async def decide(self, call: Call) -> Decision:
        lengths = await self.backend.update("route/lengths", _read)
        return cost(self.options, self.tiers, self.prices, call, lengths)

    def learn(self, facts: CallFacts) -> None:
        for attempt in facts.attempts:
            if attempt.outcome == "success" and attempt.usage_known:
                self._remember(attempt.output_tokens)

    def _remember(self, tokens: int) -> None:
        window = self.options.window
        self.backend.post("route/lengths", lambda known: ((*(known or ()), tokens)[-window:], None))


def make_route(
    options: RouteOptions,
    targets: tuple[Target, ...],
    prices: Mapping[str, Price],
    backend: Backend,
    judge: Judge | None = None,
) -> Layer:
    """The layer that these options describe; `judge` is used by the cascade."""
    tiers = Tiers(options.tiers, targets)
    if options.policy == "cascade":
        return Cascade(options.cascade, tiers, judge)
    return Route(_policy(options, tiers, prices, backend))


def _policy(options: RouteOptions, tiers: Tiers, prices: Mapping[str, Price], backend: Backend) -> Policy:
    match options.policy:
        case "heuristic":
            return Heuristic(options.heuristic, tiers)
        case "latency":
            return Latency(options.latency, tiers, backend)
        case "cost":
            return Cost(options.cost, tiers, prices, backend)
        case "oracle":
            return Oracle(options.oracle, tiers)
        case "small" | "large":
            return Always(options.policy, tiers)
        case _:
            raise AssertionError(f"{options.policy} is a layer of its own")


def _key(target: Target) -> str:
    return f"route/ttft/{target.name}"


def _read(known: tuple[Any, ...] | None) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return known or (), known or ()
