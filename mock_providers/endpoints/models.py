"""The list of models, and single models."""

from collections.abc import Callable, Iterable

from .decision import Decision, Exchange
from .provider_context import ProviderContext


class Models:
    """`GET /v1/models`; `write` makes the reply (default: the protocol's own)."""

    name = "models"

    def __init__(self, write: Callable[[Iterable[str]], bytes] | None = None) -> None:
        self._write = write

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """All models of the provider."""
        ids = [*context.provider.models, *context.provider.embeddings]
        return context.document(exchange, (self._write or context.dialect.models_body)(ids))


class OneModel:
    """`GET /v1/models/{model}`, by its id or an alias; `write` makes the reply (default: the protocol's
    own).
    """

    name = "models"

    def __init__(self, write: Callable[[str], bytes] | None = None) -> None:
        self._write = write

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The model, or a 404; with `any_model` a name that no model has is shown as a model of that name."""
        name = exchange.params["model"]
        known = context.provider.canonical(name) or context.provider.canonical_embedding(name)
        embeds = context.provider.canonical_embedding(name) is not None
        meant = (context.meant_embedding if embeds else context.meant)(name, exchange.instant)
        if meant.problem is not None:
            return context.refuse(exchange.info, meant.problem, exchange.instant)
        return context.document(exchange, (self._write or context.dialect.model_body)(known or name))
