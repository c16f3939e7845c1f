"""Policy `cost`: of the eligible targets, the one with the lowest expected cost of this call.

Expected cost = prompt tokens x input price + predicted output tokens x output price. The prompt is counted;
the reply is predicted as the mean of the latest replies, at most the call's `max_tokens`.
"""

from collections.abc import Mapping

from pydantic import Field

from ..config.options import Options
from ..core.call import Call
from ..core.reply import Usage
from ..core.tokens import call_tokens
from ..money.price import Price
from .tiers import Decision, Tiers


class CostOptions(Options):
    """A reply's predicted length is the mean of the latest `window` 100 replies, or `output_tokens` 200
    before the first one; `at_least` "": the smallest eligible tier, "" for any.
    """

    output_tokens: int = Field(default=200, ge=1)
    window: int = Field(default=100, ge=1)
    at_least: str = ""


def predicted(options: CostOptions, call: Call, lengths: tuple[int, ...]) -> Usage:
    """The predicted tokens of this call."""
    mean = round(sum(lengths) / len(lengths)) if lengths else options.output_tokens
    allowed = mean if call.request.max_tokens is None else min(mean, call.request.max_tokens)
    return Usage(input_tokens=call_tokens(call), output_tokens=allowed)


def cost(
    options: CostOptions, tiers: Tiers, prices: Mapping[str, Price], call: Call, lengths: tuple[int, ...]
) -> Decision:
    """The decision for one call: cheapest first, ties in the chain's order; the score is nano-dollars."""
    usage = predicted(options, call, lengths)
    fit = tiers.eligible(call, options.at_least)
    nusd = {target.name: prices[target.model].of(usage) for target in fit}
    order = sorted(fit, key=lambda target: nusd[target.name])
    first = order[0].name
    why = f"{first}: {usage.input_tokens} + {usage.output_tokens} tokens, ${nusd[first] / 1e9:.6f}"
    return tiers.in_order(order, float(nusd[first]), why)
