"""From a TOML file to a stack: the only file that knows every layer and their order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field, ValidationError, model_validator

from .attempts import AttemptLedger
from .background import Background
from .breaker import Breaker, BreakerOptions
from .cache import CacheOptions, ExactCache
from .call import Call, Layer, Message, Next, Target, stack
from .cost import Price, default_prices, price_of
from .errors import ConfigError
from .facts import CallFacts
from .fallback import Fallback, FallbackOptions
from .hedge import Hedge, HedgeOptions, next_in
from .limiter import Limiter, LimiterOptions
from .options import Options, first_complaint
from .reply import Reply
from .retry import Retry, RetryOptions
from .retry_budget import RetryBudget, RetryBudgetOptions
from .routing.cascade import Judge
from .routing.options import RouteOptions
from .routing.policies import make_route
from .send import Endpoint, Send
from .stack_file import layered
from .state import Backend, MemoryBackend
from .streaming import DeadlineOptions, Deadlines
from .suitability import unsuitable
from .telemetry import Sink, Telemetry
from .throttle import Throttle, ThrottleOptions
from .transport import make_transport
from .wire.anthropic import AnthropicCodec
from .wire.codec import Codec
from .wire.openai import OpenAICodec

ProviderName = Literal["openai", "anthropic", "together"]

CODECS: dict[ProviderName, Codec] = {
    "openai": OpenAICodec(),
    "anthropic": AnthropicCodec(),
    "together": OpenAICodec(),
}


PUBLIC_URLS: dict[ProviderName, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz/v1",
}


class TargetOptions(Options):
    """One entry of the chain. `timeout_s` 10 to the first token; `name` is the provider's unless given.

    What the model can do: `tools`, `json_mode`, `prefill` (go on from a partial answer), all true. `region`
    "" (not known): a call with a residency is only sent to targets of that region. `tier` is one of the
    `[route]` table's tiers, "" in a stack without one.
    """

    provider: ProviderName
    model: str
    name: str = ""
    timeout_s: float = Field(default=10.0, gt=0)
    max_output_tokens: int = Field(default=4096, ge=1)
    context_tokens: int = Field(default=128_000, ge=1)
    prefill: bool = True
    tools: bool = True
    json_mode: bool = True
    region: str = ""
    tier: str = ""
    limiter: LimiterOptions | None = None

    def target(self) -> Target:
        """The options as the stack's own value."""
        return Target(
            name=self.name or self.provider,
            provider=self.provider,
            model=self.model,
            timeout_s=self.timeout_s,
            max_output_tokens=self.max_output_tokens,
            context_tokens=self.context_tokens,
            prefill=self.prefill,
            tools=self.tools,
            json=self.json_mode,
            region=self.region,
            tier=self.tier,
        )


class StackOptions(Options):
    """A stack as its TOML file says it. A layer whose table is absent is not in the stack."""

    title: str = ""
    description: str = ""
    deadlines: DeadlineOptions = DeadlineOptions()
    cache: CacheOptions | None = None
    route: RouteOptions | None = None
    fallback: FallbackOptions = FallbackOptions(after_first_token="fail")
    retry: RetryOptions | None = None
    retry_budget: RetryBudgetOptions | None = None
    hedge: HedgeOptions | None = None
    breaker: BreakerOptions | None = None
    throttle: ThrottleOptions | None = None
    target: tuple[TargetOptions, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _targets_have_own_names(self) -> "StackOptions":
        names = [target.target().name for target in self.target]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"target names must differ, {twice!r} is there twice; set `name`")
        return self

    @model_validator(mode="after")
    def _targets_have_a_tier(self) -> "StackOptions":
        if self.route is None:
            return self
        names = ", ".join(self.route.tiers)
        for target in self.target:
            if target.tier not in self.route.tiers:
                which = f"target {target.target().name!r}: tier"
                raise ValueError(f"{which}: expected one of {names}, found {target.tier!r}")
        for tier in self.route.tiers:
            if all(target.tier != tier for target in self.target):
                raise ValueError(f"route.tiers: expected a target of each, found none of {tier!r}")
        return self


def load_stack_options(path: Path) -> StackOptions:
    """Read a stack file. Raises `ConfigError` with one line: file, key, what was expected.

    `base = "full"` begins with the stack `full.toml` beside it: tables given here are laid over its
    tables key by key, a list replaces its list, and `without = ["hedge"]` takes tables away.
    """
    values = layered(path)
    try:
        return StackOptions.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_complaint(error, values)}") from error


def endpoints_from(env: Mapping[str, str]) -> dict[str, Endpoint]:
    """Each provider's address and key as SDKs read them: `OPENAI_BASE_URL`, `OPENAI_API_KEY` and so on."""
    return {
        name: Endpoint(
            base_url=env.get(f"{name.upper()}_BASE_URL", url).rstrip("/"),
            api_key=env.get(f"{name.upper()}_API_KEY", ""),
        )
        for name, url in PUBLIC_URLS.items()
    }


class Stack:
    """A built stack. `ask` is the whole of it; the rest names calls and closes connections."""

    def __init__(
        self,
        options: StackOptions,
        ask: Next,
        transport: httpx.AsyncBaseTransport,
        background: Background | None = None,
    ) -> None:
        self.options = options
        self.ask = ask
        self._transport = transport
        self._background = background or Background()
        self._asked = 0

    def call(
        self, id: str, messages: tuple[Message, ...], now: float, tenant: str = "", **asked: Any
    ) -> Call:
        """A call with its own facts and a deadline of `deadlines.total_s` from `now` (the loop's clock).

        `asked` are further fields of `Call`: model, max_tokens, temperature, top_p, stop, stream.
        """
        facts = CallFacts(call_id=id, tenant=tenant)
        deadline_s = now + self.options.deadlines.total_s
        return Call(id=id, messages=messages, facts=facts, tenant=tenant, deadline_s=deadline_s, **asked)

    def next_id(self) -> str:
        """An id for a call that came without one: a running number."""
        self._asked += 1
        return f"call-{self._asked:06d}"

    async def aclose(self) -> None:
        """End what goes on in the background and close the connections. Replies still open break."""
        await self._background.aclose()
        await self._transport.aclose()


def build(
    options: StackOptions,
    endpoints: Mapping[str, Endpoint],
    *,
    sink: Sink = lambda facts: None,
    seed: int = 0,
    prices: Mapping[str, Price] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    backend: Backend | None = None,
    judge: Judge | None = None,
) -> Stack:
    """The stack that `options` describe.

    `endpoints` gives each provider's base URL and key; `sink` gets every call's facts once; `seed` keys the
    jitter; `prices` defaults to the list that ships here; `backend` keeps what the mechanisms know, in memory
    by default; `judge` judges the answers of a cascade's smaller tiers. Raises `ConfigError`.
    """
    prices = default_prices() if prices is None else prices
    transport = transport or make_transport()
    backend = backend or MemoryBackend()
    background = Background()
    chains = {
        target.target().name: _target_chain(target, options, endpoints, prices, transport, backend, seed)
        for target in options.target
    }

    async def by_target(call: Call) -> Reply:
        return await chains[call.addressed_to.name](call)

    layers = _layers_above_targets(options, sink, prices, backend, background, seed, judge)
    return Stack(options, stack(*layers, send=by_target), transport, background)


def _layers_above_targets(
    options: StackOptions,
    sink: Sink,
    prices: Mapping[str, Price],
    backend: Backend,
    background: Background,
    seed: int,
    judge: Judge | None,
) -> list[Layer]:
    targets = tuple(target.target() for target in options.target)
    layers: list[Layer] = [Telemetry(sink)]
    grant = None
    if options.cache is not None:
        layers.append(ExactCache(options.cache, background))
    if options.retry_budget is not None:
        budget = RetryBudget(options.retry_budget, backend=backend)
        layers.append(budget)
        grant = budget.grant
    if options.route is not None:
        layers.append(make_route(options.route, targets, prices, backend, judge))
    layers.append(Fallback(targets, options.fallback, grant))
    if options.retry is not None:
        layers.append(Retry(options.retry, seed, grant))
    if options.hedge is not None:
        alternate = next_in(targets, lambda call, target: unsuitable(call, target) is None)
        layers.append(Hedge(options.hedge, alternate, grant, backend))
    return layers


def _target_chain(
    target: TargetOptions,
    options: StackOptions,
    endpoints: Mapping[str, Endpoint],
    prices: Mapping[str, Price],
    transport: httpx.AsyncBaseTransport,
    backend: Backend,
    seed: int,
) -> Next:
    if target.provider not in endpoints:
        raise ConfigError(f"no endpoint for provider {target.provider!r}")
    codec = CODECS[target.provider]
    name = target.target().name
    layers: list[Layer] = []
    if options.breaker is not None:
        layers.append(Breaker(options.breaker, f"breaker/{name}", backend, seed))
    if options.throttle is not None:
        layers.append(Throttle(options.throttle, f"throttle/{name}", backend, seed))
    layers.append(AttemptLedger(price_of(target.model, prices)))
    if target.limiter is not None:
        layers.append(Limiter(target.limiter, codec.reserved_tokens, f"limiter/{name}", backend))
    layers.append(Deadlines(options.deadlines))
    return stack(
        *layers, send=Send(transport, codec, endpoints[target.provider], options.deadlines.connect_s)
    )
