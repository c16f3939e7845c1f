"""The list of models, and single models."""

from .decision import Decision, Exchange
from .provider_context import ProviderContext


class Models:
    """`GET /v1/models`."""

    name = "models"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """All models of the provider."""
        ids = [*context.provider.models, *context.provider.embeddings]
        return context.document(exchange, context.dialect.models_body(ids))


class OneModel:
    """`GET /v1/models/{model}`, by its id or an alias."""

    name = "models"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The model, or a 404."""
        name = exchange.params["model"]
        model_id = context.provider.canonical(name) or context.provider.canonical_embedding(name)
        if model_id is None:
            return context.refuse(exchange.info, context.errors.unknown_model(name), exchange.instant)
        return context.document(exchange, context.dialect.model_body(model_id))
