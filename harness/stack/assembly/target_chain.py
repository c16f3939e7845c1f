"""The layers around one target, and the context that all targets share."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from ..admission.api_keys import ApiKeys, ApiKeysOptions
from ..admission.breaker import Breaker
from ..admission.limiter import Limiter
from ..admission.load_shedding import LoadShedding
from ..config.options import optional
from ..core.call import Layer, Next, stack
from ..core.errors import ConfigError
from ..money.attempt_ledger import AttemptLedger
from ..money.price import Price
from ..money.price_list import price_of
from ..observe.health import HealthProbe
from ..prompt_cache.layer import PromptCaching
from ..state.backend import Backend
from ..upstream.deadlines import Deadlines
from ..upstream.endpoint import Endpoint
from ..upstream.resend import Resend
from ..upstream.send import Send
from .options import StackOptions, TargetOptions
from .providers import CODECS


@dataclass(frozen=True, slots=True)
class StackContext:
    """The parts that all layers of a stack share: options, endpoints, prices, transport, state, seed."""

    options: StackOptions
    endpoints: Mapping[str, Endpoint]
    prices: Mapping[str, Price]
    transport: httpx.AsyncBaseTransport
    backend: Backend
    seed: int


def target_chain(
    context: StackContext, target: TargetOptions, caching: PromptCaching | None = None
) -> tuple[Next, HealthProbe]:
    """The chain to one target, outermost layer first, and its layers that `/health` reports."""
    options, backend, name = context.options, context.backend, target.target().name
    codec, endpoint = CODECS[target.provider], _endpoint(context, target)
    breaker = optional(options.breaker, lambda its: Breaker(its, f"breaker/{name}", backend, context.seed))
    keys = optional(target.keys, lambda its: ApiKeys(its, f"keys/{name}", backend))
    layers: list[Layer | None] = [
        caching and caching.for_target(target.target()),
        breaker,
        optional(options.throttle, lambda its: LoadShedding(its, f"throttle/{name}", backend, context.seed)),
        Resend(),
        AttemptLedger(price_of(target.model, context.prices)),
        optional(target.limiter, lambda its: Limiter(its, codec.reserved_tokens, f"limiter/{name}", backend)),
        keys,
        Deadlines(options.deadlines),
    ]
    deadlines = options.deadlines
    after_finish_s = min(deadlines.after_finish_s, deadlines.inter_chunk_s / 2)
    send = Send(context.transport, codec, endpoint, deadlines.connect_s, after_finish_s)
    chain = stack(*[layer for layer in layers if layer is not None], send=send)
    return chain, HealthProbe(name, breaker, keys)


def _endpoint(context: StackContext, target: TargetOptions) -> Endpoint:
    if target.provider not in context.endpoints:
        raise ConfigError(f"no endpoint for provider {target.provider!r}")
    endpoint = context.endpoints[target.provider]
    if target.keys is not None:
        _check_keys(target.keys, target.provider, endpoint)
    return endpoint


def _check_keys(keys: ApiKeysOptions, provider: str, endpoint: Endpoint) -> None:
    for name in keys.names:
        if not endpoint.keys.get(name):
            variable = f"{provider}_API_KEY_{name}".upper()
            raise ConfigError(f"target {provider}: keys: expected key {name!r} of {provider} in {variable}")
