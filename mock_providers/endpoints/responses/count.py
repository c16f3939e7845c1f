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
        if not request.model:
            return context.document(exchange, count_body(request.input_tokens))
        meant = context.meant(request.model, exchange.instant)
        info = replace(exchange.info, model=meant.id)
        if meant.problem is not None:
            return context.refuse(info, meant.problem, exchange.instant)
        return context.document(replace(exchange, info=info), count_body(request.input_tokens))
