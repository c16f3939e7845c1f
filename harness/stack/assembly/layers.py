"""From options to a stack: the one list of all layers, outermost first."""

from collections.abc import Mapping

import httpx

from ..batch.client import BatchLane
from ..batch.queue import BatchQueue
from ..caching.exact import ExactCache
from ..caching.semantic.agreement import AnswerComparison
from ..caching.semantic.embedding.choice import embedder_of
from ..caching.semantic.layer import SemanticCache
from ..config.options import optional
from ..core.background import Background
from ..core.call import Call, Layer, stack
from ..core.eligibility import unsuitable
from ..core.reply import Reply
from ..core.target import Target
from ..money.budget import Budgets
from ..money.price import Price
from ..money.price_list import price_of
from ..observe.telemetry import Sink, Telemetry
from ..prompt.layer import Prompt
from ..prompt.summarise import Summarise
from ..prompt_cache.layer import PromptCaching
from ..resilience.fallback import Fallback
from ..resilience.hedge import Hedge, next_target
from ..resilience.retry import Retry
from ..resilience.retry_budget import RetryBudget
from ..routing.cascade import Judge
from ..routing.policies import make_route
from ..state.backend import Backend, MemoryBackend
from ..upstream.endpoint import Endpoint
from ..upstream.transport import make_transport
from .options import StackOptions, TargetOptions, prices_for
from .providers import BATCHES, CODECS
from .stack import Stack
from .target_chain import StackContext, target_chain


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
    compare_answers: AnswerComparison | None = None,
    judge: Judge | None = None,
) -> Stack:
    """The stack that `options` describe. Raises `ConfigError`.

    - `endpoints`: each provider's base URL and API keys
    - `sink`: gets every call's facts, once, when the call is over
    - `seed`: keys every jitter; two stacks with one seed draw alike
    - `prices`: nano-dollars per token by model; default: the list named in `[cost]`
    - `transport`: the HTTP transport; default: aiohttp behind httpx
    - `backend`: state of limiters, breakers and budgets; default: memory
    - `epoch_s`: Unix time at zero of the loop's clock, for the periods of budgets
    - `compare_answers`: finds answers that agree beyond equal texts, for the semantic cache
    - `judge`: judges the answers of a cascade's smaller tiers
    """
    prices = prices_for(options) if prices is None else prices
    transport, backend = transport or make_transport(), backend or MemoryBackend()
    context = StackContext(options, endpoints, prices, transport, backend, seed)
    background, targets = Background(), options.targets
    budget = optional(options.retry_budget, lambda its: RetryBudget(its, backend=backend))
    grant = None if budget is None else budget.grant
    caching = optional(options.prompt_cache, PromptCaching)
    made = [target_chain(context, target, caching) for target in options.target]
    chains = {probe.name: chain for chain, probe in made}

    async def by_target(call: Call) -> Reply:
        return await chains[call.target.name](call)

    layers: list[Layer | None] = [
        Telemetry(sink),
        Budgets(options.budget, targets, prices, backend, epoch_s) if options.budget else None,
        _prompt(context, background),
        optional(options.cache, lambda its: ExactCache(its, background)),
        _semantic_cache(context, background, compare_answers),
        _batches(context, background),
        budget,
        optional(options.route, lambda its: make_route(its, targets, prices, backend, judge)),
        caching,
        Fallback(targets, options.fallback, grant, None if caching is None else caching.order),
        optional(options.retry, lambda its: Retry(its, seed, grant)),
        optional(options.hedge, lambda its: Hedge(its, next_target(targets, _suits), grant, backend)),
    ]
    ask = stack(*[layer for layer in layers if layer is not None], send=by_target)
    return Stack(options, ask, transport, background, [probe for _, probe in made])


def _suits(call: Call, target: Target) -> bool:
    return unsuitable(call, target) is None


def _prompt(context: StackContext, background: Background) -> Prompt | None:
    options = context.options.prompt
    if options is None:
        return None
    summarise = None
    if (small := options.summarise) is not None:
        named = TargetOptions(provider=small.provider, model=small.model, name="summary")
        chain, _ = target_chain(context, named)
        summarise = Summarise(small, named.target(), chain, background)
    window = max(target.context_tokens for target in context.options.targets)
    return Prompt(options, window, summarise)


def _semantic_cache(
    context: StackContext, background: Background, compare_answers: AnswerComparison | None
) -> SemanticCache | None:
    options = context.options.semantic_cache
    if options is None:
        return None
    connect_s = context.options.deadlines.connect_s
    embedder = embedder_of(options, context.endpoints, context.prices, context.transport, connect_s)
    return SemanticCache(options, embedder, background, seed=context.seed, compare_answers=compare_answers)


def _batches(context: StackContext, background: Background) -> BatchQueue | None:
    options = context.options.batch
    if options is None:
        return None
    able = [target for target in context.options.target if target.provider in BATCHES]
    codecs = {target.target().name: CODECS[target.provider] for target in able}
    lanes = {
        target.target().name: BatchLane(
            BATCHES[target.provider].at(
                context.transport, CODECS[target.provider], context.endpoints[target.provider]
            ),
            price_of(target.model, context.prices),
        )
        for target in able
    }
    targets = [target.target() for target in able]
    return BatchQueue(options, targets, lanes, codecs, background, context.seed)
