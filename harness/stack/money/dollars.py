"""Dollars in files, exact integers in memory.

Amounts of money are nano-dollars (10^-9 $). A price is zepto-dollars (10^-21 $) a token, so that every price
of at most 15 decimals in dollars per million tokens is exact. A cost is added up in zepto-dollars over all
tokens of one attempt and rounded once: up, to a whole nano-dollar.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

ZUSD_PER_NUSD = 10**12
_NUSD_DECIMALS = 9
_PRICE_DECIMALS = 15


def per_token_zusd(usd_per_million: str) -> int:
    """Dollars per million tokens as zepto-dollars a token. Raises `ValueError`."""
    return _scaled(usd_per_million, _PRICE_DECIMALS, "dollars per million tokens")


def dollars_nusd(usd: str) -> int:
    """Dollars as nano-dollars. Raises `ValueError`."""
    return _scaled(usd, _NUSD_DECIMALS, "dollars")


def rounded_nusd(zusd: int, parts: int = 1) -> int:
    """`zusd` zepto-dollars divided by `parts`, rounded up to a whole nano-dollar."""
    return -(-zusd // (parts * ZUSD_PER_NUSD))


def _scaled(amount: str, decimals: int, unit: str) -> int:
    try:
        given = Decimal(amount)
    except (InvalidOperation, TypeError):
        raise ValueError(f"expected {unit}, got {amount!r}") from None
    if not given.is_finite() or given < 0 or abs(given.adjusted()) > 100:
        raise ValueError(f"expected {unit}, zero or more, got {amount!r}")
    scaled = Fraction(given) * 10**decimals  # exact, unlike Decimal's product
    if scaled.denominator != 1:
        raise ValueError(f"expected {unit} of at most {decimals} decimals, got {amount!r}")
    return int(scaled)
