"""Token counts of prompts, by the same definition as the ledger's."""

from collections.abc import Callable
from dataclasses import replace

from ..exchange.received import Received
from ..exchange.request import Request
from ..wire.dialect import Params
from .decision import Decision, Exchange
from .provider_context import ProviderContext

Read = Callable[[Received, Params], Request]


class CountTokens:
    """Counts the tokens of a prompt, free of charge; `read` parses the request, `write` makes the reply."""

    name = "count_tokens"

    def __init__(self, read: Read, write: Callable[[int], bytes]) -> None:
        self._read = read
        self._write = write

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """The count; raises Refused for a request that cannot be parsed."""
        request = self._read(exchange.received, exchange.params)
        meant = context.meant(request.model, exchange.instant)
        info = replace(exchange.info, model=meant.id)
        if meant.problem is not None:
            return context.refuse(info, meant.problem, exchange.instant)
        return context.document(replace(exchange, info=info), self._write(request.input_tokens))
