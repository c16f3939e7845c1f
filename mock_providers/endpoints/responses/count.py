"""`POST /v1/responses/input_tokens`: the tokens of a prompt, free of charge."""

from dataclasses import replace
from functools import partial

from ...wire.dialect import parse_json
from ...wire.responses.count import count_body, read_count_request
from ..decision import Decision, Exchange
from ..provider_context import ProviderContext
from .create import known_to


class InputTokens:
    """Counts what a request for a response would be billed as input."""

    name = "count_tokens"

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The count; raises Refused for a request that cannot be parsed."""
        known = known_to(context, exchange.instant.now)
        read = partial(read_count_request, known=known)
        request = parse_json(exchange.received.body, read, context.errors)
        model_id = context.provider.canonical(request.model)
        info = replace(exchange.info, model=model_id or request.model)
        if model_id is None and request.model:
            return context.refuse(info, context.errors.unknown_model(request.model), exchange.instant)
        return context.document(replace(exchange, info=info), count_body(request.input_tokens))
