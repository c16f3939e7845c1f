"""The list of models, and one of them."""

from .provider_context import Decision, Desk, Incoming


class Models:
    """`GET /v1/models`."""

    name = "models"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """All models of the provider."""
        ids = [*desk.provider.models, *desk.provider.embeddings]
        return desk.hand_out(incoming, desk.dialect.models_body(ids))


class OneModel:
    """`GET /v1/models/{model}`, by its id or an alias."""

    name = "models"

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """The model, or a 404."""
        name = incoming.params["model"]
        model_id = desk.provider.canonical(name) or desk.provider.canonical_embedding(name)
        if model_id is None:
            return desk.refuse(incoming.asked, desk.errors.unknown_model(name), incoming.moment)
        return desk.hand_out(incoming, desk.dialect.model_body(model_id))
