"""Requests that change or show what a provider keeps: nothing is generated, nothing charged."""

from collections.abc import Callable
from dataclasses import replace

from ..exchange.bad_field import BadField
from ..exchange.request import Refused
from .provider_context import JSON, Decision, Document, Exchange, ProviderContext


def run_operation(
    context: ProviderContext, exchange: Exchange, operation: Callable[[], bytes], content_type: bytes = JSON
) -> Decision:
    """The decision to run `operation` and to answer with its bytes.

    A request that a fault refuses, or answers in its own way, changes nothing; a reply that breaks off on its
    way was made. A BadField that `operation` raises becomes the provider's refusal, any other ValueError one
    for bad JSON.
    """
    decision = context.hand_out(exchange, b"", content_type)
    if decision.plan.decided and decision.plan.ends not in ("stalled", "truncated"):
        return decision
    try:
        content = operation()
    except BadField as bad:
        raise Refused(context.errors.bad_field(bad)) from None
    except ValueError:
        raise Refused(context.errors.bad_json()) from None
    return replace(decision, rendering=Document(content, content_type))
