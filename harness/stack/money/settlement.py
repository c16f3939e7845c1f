"""Closes an attempt's row with its cost: the one place where usage becomes money."""

import asyncio

from ..core.facts import AttemptFacts
from ..core.reply import Usage
from .price import Price


def settle(
    attempt: AttemptFacts,
    price: Price,
    outcome: str,
    usage: Usage | None,
    *,
    known: bool,
    batch: bool = False,
    error: BaseException | None = None,
) -> None:
    """Close the row now. `usage` is the provider's if `known`, else our estimate; None: nothing is billed."""
    attempt.settle(
        outcome,
        asyncio.get_running_loop().time(),
        usage,
        known=known,
        cost_nusd=0 if usage is None else price.of(usage, batch=batch),
        price_known=price.is_known(usage, batch=batch),
        error=error,
    )
