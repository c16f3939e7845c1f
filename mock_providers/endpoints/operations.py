"""Endpoints that read or change stored files and batches: they generate nothing and are free of charge."""

from collections.abc import Callable
from dataclasses import replace

from ..exchange.bad_field import BadField
from ..exchange.request import Refused
from ..wire.rendering import JSON, Document
from .decision import Decision, Exchange
from .provider_context import ProviderContext

Run = Callable[[ProviderContext, Exchange], bytes]


class Operation:
    """An endpoint that answers with the bytes that `run` returns.

    - `name`: of the endpoint, in the ledger
    - `run`: reads or changes the provider's stores; raises Refused, BadField, or ValueError for bad JSON
    - `content_type`: of the reply (default: JSON)
    """

    def __init__(self, name: str, run: Run, content_type: bytes = JSON) -> None:
        self.name = name
        self._run = run
        self._content_type = content_type

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Run the operation unless a fault replaces the reply; raises Refused.

        A fault that only cuts the reply off (stalled, truncated) does not undo the operation.
        """
        decision = context.document(exchange, b"", self._content_type)
        if decision.plan.decided and decision.plan.ends not in ("stalled", "truncated"):
            return decision
        try:
            content = self._run(context, exchange)
        except BadField as bad:
            raise Refused(context.errors.bad_field(bad)) from None
        except ValueError:
            raise Refused(context.errors.bad_json()) from None
        return replace(decision, rendering=Document(content, self._content_type))
