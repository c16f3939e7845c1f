"""Prices of a model and the exact cost of a reply.

Dollars per million tokens in a file, integers in memory: $1 per 1M tokens is 1,000 nano-dollars a token.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

from .exchange.options import Options
from .plan import Plan

NANO_PER_DOLLAR_PER_MILLION = 1_000


def _nusd_per_token(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('expected dollars per million tokens, such as "2.50"')  # noqa: TRY004 - pydantic's protocol
    try:
        nusd = Decimal(str(value)) * NANO_PER_DOLLAR_PER_MILLION
    except ArithmeticError:
        raise ValueError('expected dollars per million tokens, such as "2.50"') from None
    if not nusd.is_finite() or nusd < 0 or nusd != nusd.to_integral_value():
        raise ValueError(
            "expected a price of whole nano-dollars a token: at most three decimals, not negative"
        )
    return int(nusd)


Price = Annotated[int, BeforeValidator(_nusd_per_token)]


class Prices(Options):
    """$ per 1M tokens in the file (`input = "2.50"`), nano-dollars per token (2500) in the model.

    - `input`: required; `output`: default 0, for models without output
    - `cached_input`: read from the prompt cache; `cache_write`, `cache_write_1h`: written to it for five
      minutes or an hour (default for each: as `input`)
    """

    input: Price
    output: Price = 0
    cached_input: Price | None = None
    cache_write: Price | None = None
    cache_write_1h: Price | None = None

    def cost_nusd(self, plan: Plan, output_tokens: int) -> int:
        """The exact cost of `plan` in nano-dollars, `output_tokens` of it sent."""
        special = (
            (plan.cached_input_tokens, self.cached_input),
            (plan.cache_write_tokens, self.cache_write),
            (plan.cache_write_1h_tokens, self.cache_write_1h),
        )
        extra = sum(count * (price - self.input) for count, price in special if price is not None)
        return plan.input_tokens * self.input + extra + output_tokens * self.output
