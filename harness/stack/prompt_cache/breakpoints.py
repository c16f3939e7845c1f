"""Where breakpoints of Anthropic's prompt cache pay.

Writing a token to the cache costs `write` times an input token (1.25 for a lifetime of five minutes after the
last use, 2 for an hour), reading it `read` times (0.1). If a prefix is reused with probability p, a marked
token costs `p · read + (1 - p) · write` on average, an unmarked one 1. A mark pays when

    p > (write - 1) / (write - read)        0.22 for five minutes, 0.53 for an hour

or 0.28 reads per write for five minutes, and 1.11 for an hour. Prefixes nest: a mark saves on the tokens
since the previous mark. `place` chooses the set of marks that saves most, of equals the one with the fewest
marks. The protocol's limits hold: at most four marks, none on a prefix shorter than the model's minimum (it
would silently not be cached), and marks for an hour before marks for five minutes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ..core.cache_hints import CacheTtl, Mark, Prefix

MOST_MARKS = 4
LOOK_BACK_BLOCKS = 20
"""A breakpoint finds cache entries that end up to this many content blocks back, itself counted."""
USUAL_MINIMUM = 1024
MINIMUMS = {
    "claude-3-haiku": 2048,
    "claude-3-5-haiku": 2048,
    "claude-haiku-4-5": 4096,
    "claude-opus-4-5": 4096,
}
"""Shortest cacheable prefix in tokens, by the beginning of the model's id."""


class Prices(NamedTuple):
    """Prices of cached tokens, as multiples of the input price."""

    read: float = 0.1
    write_5m: float = 1.25
    write_1h: float = 2.0

    def of_marked(self, prefix: Prefix, ttl: CacheTtl) -> float:
        """The average cost of a token of a marked prefix."""
        used, write = (prefix.reused_5m, self.write_5m) if ttl == "5m" else (prefix.reused_1h, self.write_1h)
        return used * self.read + (1 - used) * write


ANTHROPIC = Prices()


def minimum_of(model: str) -> int:
    """The shortest prefix that `model` caches, in tokens."""
    return next((least for name, least in MINIMUMS.items() if model.startswith(name)), USUAL_MINIMUM)


def break_even(write: float, read: float) -> float:
    """The reuse probability at which a mark neither saves nor costs."""
    return (write - 1) / (write - read)


class _Plan(NamedTuple):
    """A set of marks and its saving, in multiples of an input token's price."""

    saved: float
    marks: tuple[Mark, ...]

    @property
    def rank(self) -> tuple[float, int]:
        return round(self.saved, 6), -len(self.marks)


def place(
    prefixes: Sequence[Prefix], min_tokens: int, prices: Prices = ANTHROPIC, most: int = MOST_MARKS
) -> tuple[Mark, ...]:
    """The marks that save most, for the prefixes of one prompt, shortest first."""
    fit = [prefix for prefix in prefixes if prefix.tokens >= min_tokens]
    return _best(fit, 0, ("1h", "5m"), prices, most).marks


def _best(
    prefixes: Sequence[Prefix], since: int, lives: tuple[CacheTtl, ...], prices: Prices, most: int
) -> _Plan:
    """The best marks for `prefixes`, when the prompt is already marked up to token `since`."""
    if not prefixes or not most:
        return _Plan(0.0, ())
    first, rest = prefixes[0], prefixes[1:]
    plans = [_best(rest, since, lives, prices, most)]
    for nth, ttl in enumerate(lives):
        saved = (first.tokens - since) * (1 - prices.of_marked(first, ttl))
        then = _best(rest, first.tokens, lives[nth:], prices, most - 1)
        plans.append(_Plan(saved + then.saved, (Mark(first.end, ttl), *then.marks)))
    return max(plans, key=lambda plan: plan.rank)
