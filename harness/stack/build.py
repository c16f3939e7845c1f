"""From a TOML file to a stack: the only file that knows every layer and their order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field, ValidationError, model_validator

from .attempts import AttemptLedger
from .background import Background
from .batch.anthropic import AnthropicBatches
from .batch.client import Lane
from .batch.openai import OpenAIBatches
from .batch.queue import BatchOptions, BatchQueue
from .breaker import Breaker, BreakerOptions
from .budget import BudgetOptions, Budgets
from .cache import CacheOptions, ExactCache
from .call import Call, Layer, Message, Next, Target, stack
from .cost import Price
from .durations import seconds_of
from .errors import ConfigError
from .facts import CallFacts
from .fallback import Fallback, FallbackOptions
from .health import Watched, health
from .hedge import Hedge, HedgeOptions, next_in
from .keys import Keys, KeysOptions
from .limiter import Limiter, LimiterOptions
from .options import Options, first_complaint
from .price_list import GENAI_PRICES, PAGE, CostOptions, price_of, prices_of
from .prompt.caching import PromptCacheOptions, PromptCaching
from .prompt.layer import Prompt, PromptOptions
from .prompt.summarise import Summarise
from .reply import Reply
from .retry import Retry, RetryOptions
from .retry_budget import RetryBudget, RetryBudgetOptions
from .semantic.agreement import Agrees
from .semantic.embedders import embedder_of
from .semantic.layer import SemanticCache, SemanticCacheOptions
from .send import Endpoint, Send
from .stack_file import layered
from .state import Backend, MemoryBackend
from .streaming import DeadlineOptions, Deadlines
from .suitability import unsuitable
from .telemetry import Sink, Telemetry
from .throttle import Throttle, ThrottleOptions
from .tokens import counter_named
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


BATCHES: dict[ProviderName, type[OpenAIBatches] | type[AnthropicBatches]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}

PUBLIC_URLS: dict[ProviderName, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz/v1",
}


class TargetOptions(Options):
    """One entry of the chain. `timeout_s` 10 to the first token; `name` is the provider's unless given.

    What the model can do: `tools`, `json_mode`, `prefill` (go on from a partial answer), all true. `region`
    "" (not known): a call with a residency is only sent to targets of that region.
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
    limiter: LimiterOptions | None = None
    keys: KeysOptions | None = None

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
        )


class StackOptions(Options):
    """A stack as its TOML file says it. A layer whose table is absent is not in the stack."""

    title: str = ""
    description: str = ""
    deadlines: DeadlineOptions = DeadlineOptions()
    cost: CostOptions = CostOptions()
    budget: tuple[BudgetOptions, ...] = ()
    prompt: PromptOptions | None = None
    cache: CacheOptions | None = None
    semantic_cache: SemanticCacheOptions | None = None
    prompt_cache: PromptCacheOptions | None = None
    batch: BatchOptions | None = None
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
    def _batches_have_a_target(self) -> "StackOptions":
        names = [target.target().name for target in self.target if target.provider in BATCHES]
        if self.batch is not None and self.batch.target not in ("", *names):
            known = ", ".join(names) or "openai or anthropic, and such a target"
            raise ValueError(f"batch.target: expected one of {known}, got {self.batch.target!r}")
        return self

    @model_validator(mode="after")
    def _budgets_name_targets(self) -> "StackOptions":
        names = [target.target().name for target in self.target]
        for n, budget in enumerate(self.budget):
            unknown = next((name for name in budget.cheaper if name not in names), None)
            if unknown is not None:
                raise ValueError(f"budget.{n}.cheaper: expected of {', '.join(names)}, got {unknown!r}")
        return self


def load_stack_options(path: Path) -> StackOptions:
    """Read a stack file. Raises `ConfigError` with one line: file, key, what was expected.

    `base = "full"` begins with the stack `full.toml` beside it: tables given here are laid over its
    tables key by key, a list replaces its list, and `without = ["hedge"]` takes tables away.
    """
    values = layered(path)
    _find_prices(values, path.parent)
    try:
        options = StackOptions.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_complaint(error, values)}") from error
    try:
        _prices(options)
        counter_named(options.cost.tokens)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return options


def _find_prices(values: dict[str, Any], folder: Path) -> None:
    """A table of prices is named as seen from the stack's file."""
    cost = values.get("cost")
    named = cost.get("prices") if isinstance(cost, dict) else None
    if isinstance(named, str) and named not in (PAGE, GENAI_PRICES):
        values["cost"] = {**values["cost"], "prices": str(folder / named)}


def _prices(options: StackOptions) -> dict[str, Price]:
    """What each model of the stack costs. Raises `ConfigError`."""
    models = [(target.provider, target.model) for target in options.target]
    semantic = options.semantic_cache
    if semantic is not None and semantic.embedder == "api":
        models.append((semantic.embedding_provider, semantic.embedding_model))
    if options.prompt is not None and (small := options.prompt.summarise) is not None:
        models.append((small.provider, small.model))
    return prices_of(options.cost, models)


def endpoints_from(env: Mapping[str, str]) -> dict[str, Endpoint]:
    """Each provider's address and key as SDKs read them: `OPENAI_BASE_URL`, `OPENAI_API_KEY` and so on.

    `OPENAI_API_KEY_B` is the key that stacks call "b".
    """
    return {
        name: Endpoint(
            base_url=env.get(f"{name.upper()}_BASE_URL", url).rstrip("/"),
            api_key=env.get(f"{name.upper()}_API_KEY", ""),
            keys=_named(env, f"{name.upper()}_API_KEY_"),
        )
        for name, url in PUBLIC_URLS.items()
    }


def _named(env: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix).lower(): env[name] for name in env if name.startswith(prefix)}


class Stack:
    """A built stack. `ask` is the whole of it; the rest names calls and closes connections."""

    def __init__(
        self,
        options: StackOptions,
        ask: Next,
        transport: httpx.AsyncBaseTransport,
        background: Background | None = None,
        watched: Sequence[Watched] = (),
    ) -> None:
        self.options = options
        self.ask = ask
        self._transport = transport
        self._background = background or Background()
        self._watched = watched
        self._counter = counter_named(options.cost.tokens)
        self._asked = 0

    def call(
        self,
        id: str,
        messages: tuple[Message, ...],
        now: float,
        tenant: str = "",
        deadline: float | str | None = None,
        **asked: Any,
    ) -> Call:
        """A call with its own facts and a deadline of `deadlines.total_s` from `now` (the loop's clock), or
        of `deadline`: seconds, or a text such as "24h".

        `asked` are further fields of `Call`: model, max_tokens, temperature, top_p, stop, stream.
        """
        facts = CallFacts(call_id=id, tenant=tenant)
        deadline_s = now + (self.options.deadlines.total_s if deadline is None else seconds_of(deadline))
        return Call(
            id=id,
            messages=messages,
            facts=facts,
            tenant=tenant,
            deadline_s=deadline_s,
            counter=self._counter,
            **asked,
        )

    async def health(self, now: float) -> dict[str, Any]:
        """The state of breakers and keys at `now` (the loop's clock): see `health.py`."""
        return await health(self._watched, now)

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
    epoch_s: float = 0.0,
    agrees: Agrees | None = None,
) -> Stack:
    """The stack that `options` describe.

    `endpoints` gives each provider's base URL and key; `sink` gets every call's facts once; `seed` keys the
    jitter; `prices` defaults to what `[cost]` says; `backend` keeps what the mechanisms know, in memory
    by default; `epoch_s` is the Unix time at zero of the loop's clock, for the periods of budgets; `agrees`
    tells the semantic cache of more answers that say the same. Raises `ConfigError`.
    """
    prices = _prices(options) if prices is None else prices
    transport = transport or make_transport()
    backend = backend or MemoryBackend()
    background = Background()
    caching = None if options.prompt_cache is None else PromptCaching(options.prompt_cache)
    made = [
        _target_chain(target, options, endpoints, prices, transport, backend, seed, caching)
        for target in options.target
    ]
    chains = {watched.name: chain for chain, watched in made}

    async def by_target(call: Call) -> Reply:
        return await chains[call.addressed_to.name](call)

    budgets = Budgets(options.budget, _targets(options), prices, backend, epoch_s)
    semantic = None
    if options.semantic_cache is not None:
        connect_s = options.deadlines.connect_s
        embedder = embedder_of(options.semantic_cache, endpoints, prices, transport, connect_s)
        semantic = SemanticCache(options.semantic_cache, embedder, background, seed=seed, agrees=agrees)
    summarise = None
    if options.prompt is not None and (small := options.prompt.summarise) is not None:
        named = TargetOptions(provider=small.provider, model=small.model, name="summary")
        chain, _ = _target_chain(named, options, endpoints, prices, transport, backend, seed, None)
        summarise = Summarise(small, named.target(), chain, background)
    batches = _batches(options, endpoints, prices, transport, background, seed)
    layers = _layers_above_targets(
        options, sink, budgets, batches, backend, background, semantic, seed, caching, summarise
    )
    watched = tuple(watched for _, watched in made)
    return Stack(options, stack(*layers, send=by_target), transport, background, watched)


def _targets(options: StackOptions) -> tuple[Target, ...]:
    return tuple(target.target() for target in options.target)


def _batches(
    options: StackOptions,
    endpoints: Mapping[str, Endpoint],
    prices: Mapping[str, Price],
    transport: httpx.AsyncBaseTransport,
    background: Background,
    seed: int,
) -> BatchQueue | None:
    if options.batch is None:
        return None
    able = [target for target in options.target if target.provider in BATCHES]
    codecs = {target.target().name: CODECS[target.provider] for target in able}
    lanes = {
        target.target().name: Lane(
            BATCHES[target.provider].at(transport, CODECS[target.provider], endpoints[target.provider]),
            price_of(target.model, prices),
        )
        for target in able
    }
    targets = [target.target() for target in able]
    return BatchQueue(options.batch, targets, lanes, codecs, background, seed)


def _layers_above_targets(
    options: StackOptions,
    sink: Sink,
    budgets: Budgets,
    batches: BatchQueue | None,
    backend: Backend,
    background: Background,
    semantic: SemanticCache | None,
    seed: int,
    caching: PromptCaching | None,
    summarise: Summarise | None,
) -> list[Layer]:
    targets = _targets(options)
    layers: list[Layer] = [Telemetry(sink)]
    if options.budget:
        layers.append(budgets)
    grant = None
    if options.prompt is not None:
        window = max(target.context_tokens for target in targets)
        layers.append(Prompt(options.prompt, window, summarise))
    if options.cache is not None:
        layers.append(ExactCache(options.cache, background))
    if semantic is not None:
        layers.append(semantic)
    if batches is not None:
        layers.append(batches)
    if options.retry_budget is not None:
        budget = RetryBudget(options.retry_budget, backend=backend)
        layers.append(budget)
        grant = budget.grant
    if caching is not None:
        layers.append(caching)
    layers.append(Fallback(targets, options.fallback, grant, None if caching is None else caching.order))
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
    caching: PromptCaching | None,
) -> tuple[Next, Watched]:
    if target.provider not in endpoints:
        raise ConfigError(f"no endpoint for provider {target.provider!r}")
    codec, endpoint = CODECS[target.provider], endpoints[target.provider]
    name = target.target().name
    breaker = None if options.breaker is None else Breaker(options.breaker, f"breaker/{name}", backend, seed)
    keys = None if target.keys is None else Keys(target.keys, f"keys/{name}", backend)
    if target.keys is not None:
        _check_keys(target.keys, target.provider, endpoint)
    layers: list[Layer] = [] if caching is None else [caching.held_by(target.target())]
    if breaker is not None:
        layers.append(breaker)
    if options.throttle is not None:
        layers.append(Throttle(options.throttle, f"throttle/{name}", backend, seed))
    layers.append(AttemptLedger(price_of(target.model, prices)))
    if target.limiter is not None:
        layers.append(Limiter(target.limiter, codec.reserved_tokens, f"limiter/{name}", backend))
    if keys is not None:
        layers.append(keys)
    layers.append(Deadlines(options.deadlines))
    send = Send(transport, codec, endpoint, options.deadlines.connect_s)
    return stack(*layers, send=send), Watched(name, breaker, keys)


def _check_keys(keys: KeysOptions, provider: str, endpoint: Endpoint) -> None:
    for name in keys.names:
        if not endpoint.keys.get(name):
            variable = f"{provider}_API_KEY_{name}".upper()
            raise ConfigError(f"target {provider}: keys: expected key {name!r} of {provider} in {variable}")
