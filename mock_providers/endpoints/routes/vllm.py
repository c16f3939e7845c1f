"""vLLM's own routes beside OpenAI's: health, version, metrics, token ids."""

from ...profile import Provider
from ...wire.fields import loads
from ...wire.openai.vllm.server import (
    METRICS_TYPE,
    detokenized_body,
    metrics_body,
    read_detokenize,
    read_tokenize,
    tokenized_body,
    version_body,
)
from ..decision import Exchange
from ..operations import Operation
from ..provider_context import ProviderContext
from ..routing import Route

SERVER = "server"
"""The name of these endpoints in the ledger; they need no key."""
_TEXT = b"text/plain; charset=utf-8"


def vllm_routes(provider: Provider) -> list[Route]:
    """The routes of a server that runs vLLM; none for any other."""
    if provider.server != "vllm":
        return []
    return [
        Route("GET", "/health", Operation(SERVER, _health, _TEXT)),
        Route("GET", "/ping", Operation(SERVER, _health, _TEXT)),
        Route("GET", "/version", Operation(SERVER, _version)),
        Route("GET", "/metrics", Operation(SERVER, _metrics, METRICS_TYPE)),
        Route("POST", "/tokenize", Operation(SERVER, _tokenize)),
        Route("POST", "/detokenize", Operation(SERVER, _detokenize)),
    ]


def _health(context: ProviderContext, exchange: Exchange) -> bytes:
    return b""


def _version(context: ProviderContext, exchange: Exchange) -> bytes:
    return version_body()


def _metrics(context: ProviderContext, exchange: Exchange) -> bytes:
    """Every model of the server, also one that nobody has asked yet."""
    now, models = exchange.instant.now, context.provider.models
    counts = {id_: context.metrics.of(id_) for id_ in models}
    return metrics_body(counts, context.state.waiting(now), context.state.busy_shares(now))


def _tokenize(context: ProviderContext, exchange: Exchange) -> bytes:
    asked = read_tokenize(loads(exchange.received.body))
    first = next(iter(context.provider.models.values()))
    id_ = context.provider.canonical(asked.model)
    model = first if id_ is None else context.provider.models[id_]
    ids = context.vocabulary.encode(asked.text)
    texts = [context.vocabulary.decode([each]) for each in ids] if asked.with_texts else None
    return tokenized_body(ids, texts, model.context_window)


def _detokenize(context: ProviderContext, exchange: Exchange) -> bytes:
    ids = read_detokenize(loads(exchange.received.body))
    return detokenized_body(context.vocabulary.decode(ids))
