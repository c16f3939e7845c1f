"""The embedder of a stack's options."""

from collections.abc import Mapping

import httpx

from ....core.errors import ConfigError
from ....money.price import Price
from ....money.price_list import price_of
from ....upstream.endpoint import Endpoint
from ..layer import SemanticCacheOptions
from .api import ApiEmbedder
from .embedder import Embedder
from .minilm import MiniLM
from .ngrams import NgramEmbedder


def embedder_of(
    options: SemanticCacheOptions,
    endpoints: Mapping[str, Endpoint],
    prices: Mapping[str, Price],
    transport: httpx.AsyncBaseTransport,
    connect_s: float,
) -> Embedder:
    """The embedder, ready to use. Raises `ConfigError`."""
    if options.embedder == "ngrams":
        return NgramEmbedder(options.dimensions or 1024)
    if options.embedder == "minilm":
        return MiniLM()
    provider = options.embedding_provider
    if provider not in endpoints:
        raise ConfigError(f"no endpoint for provider {provider!r}")
    return ApiEmbedder(
        transport,
        endpoints[provider],
        provider,
        options.embedding_model,
        price_of(options.embedding_model, prices),
        dimensions=options.dimensions or 1536,
        shortened=options.dimensions is not None,
        timeout_s=options.embedding_timeout_s,
        connect_s=connect_s,
    )
