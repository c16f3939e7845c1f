"""Azure's paths: `/openai/deployments/{deployment}/chat/completions?api-version=…`.

A deployment has a name of its customer's choice: one that is no model's is the model nearest to it. The
reply names the model, not the deployment, as Azure's does. Source:
learn.microsoft.com/azure/ai-foundry/openai/reference. `/openai/v1/…` needs nothing of its own: `openai` is a
segment that makes no difference.
"""

from collections.abc import Mapping
from dataclasses import replace

from ...wire.fields import dumps, loads
from ..decision import Decision, Exchange
from ..embeddings import Embeddings
from ..provider_context import ProviderContext
from ..routing import Endpoint, Route


class Deployment:
    """An endpoint whose model is the deployment in its path, whatever its body says."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Decide as the endpoint does; raises Refused for a request that cannot be parsed."""
        meant = context.meant_embedding if isinstance(self._endpoint, Embeddings) else context.meant
        model = meant(exchange.params["deployment"], exchange.instant, any_name=True).id
        try:
            body = loads(exchange.received.body)
            raw = dumps({**body, "model": model}) if isinstance(body, dict) else exchange.received.body
        except ValueError:  # no JSON, or nested too deeply: the endpoint refuses it
            raw = exchange.received.body
        received = replace(exchange.received, body=raw)
        return self._endpoint.decide(context, replace(exchange, received=received))


def azure_routes(endpoints: Mapping[str, Endpoint]) -> list[Route]:
    """A route for a deployment of each endpoint, by its path under `/v1`."""
    deployments = "/openai/deployments/{deployment}"
    return [
        Route("POST", f"{deployments}{path.removeprefix('/v1')}", Deployment(endpoint))
        for path, endpoint in endpoints.items()
    ]
