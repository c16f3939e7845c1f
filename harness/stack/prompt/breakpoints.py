"""Where breakpoints of Anthropic's prompt cache pay.

A token that is written to the cache costs `write` times a plain one (1.25 to stay five minutes, 2 to stay an
hour after its last use), one that is read `read` times (0.1). If a prefix is found in use with probability p,
a marked token costs `p · read + (1 - p) · write` on average, an unmarked one 1. So a mark pays when

    p > (write - 1) / (write - read)        0.22 for five minutes, 0.53 for an hour

which is the same as 0.28 reads to each write for five minutes, and 1.11 for an hour. Prefixes nest: each mark
is worth what it saves on the tokens since the mark before it. Of all ways to mark, the one that saves most is
taken, the one with fewest marks where several save the same. What the protocol asks for is kept: at most four
marks, none on a prefix shorter than the model's minimum (it would silently not be cached), and those for an
hour before those for five minutes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ..core.cache_hints import CacheTtl, Mark, Prefix

MOST_MARKS = 4
LOOK_BACK_BLOCKS = 20
"""A breakpoint finds entries that end with it or up to so many content blocks back, itself counted."""
USUAL_MINIMUM = 1024
MINIMUMS = {
    "claude-3-haiku": 2048,
    "claude-3-5-haiku": 2048,
    "claude-haiku-4-5": 4096,
    "claude-opus-4-5": 4096,
}
"""Models by how their ids begin, and the shortest prefix that is cached, in tokens."""


class Prices(NamedTuple):
    """What cached tokens cost, as multiples of the price of input."""

    read: float = 0.1
    write_5m: float = 1.25
    write_1h: float = 2.0

    def of_marked(self, prefix: Prefix, ttl: CacheTtl) -> float:
        """What a token of a marked prefix costs on average."""
        used, write = (prefix.reused_5m, self.write_5m) if ttl == "5m" else (prefix.reused_1h, self.write_1h)
        return used * self.read + (1 - used) * write


ANTHROPIC = Prices()


def minimum_of(model: str) -> int:
    """The shortest prefix that this model caches, in tokens."""
    return next((least for name, least in MINIMUMS.items() if model.startswith(name)), USUAL_MINIMUM)


def break_even(write: float, read: float) -> float:
    """The share of calls that must find a prefix in use for a mark to cost nothing."""
    return (write - 1) / (write - read)


class _Plan(NamedTuple):
    """Marks, and what they save: as many times the price of an input token."""

    saved: float
    marks: tuple[Mark, ...]

    @property
    def rank(self) -> tuple[float, int]:
        return round(self.saved, 6), -len(self.marks)


def place(
    prefixes: Sequence[Prefix], min_tokens: int, prices: Prices = ANTHROPIC, most: int = MOST_MARKS
) -> tuple[Mark, ...]:
    """The marks that save most; `prefixes` are those of one prompt, the shortest first."""
    fit = [prefix for prefix in prefixes if prefix.tokens >= min_tokens]
    return _best(fit, 0, ("1h", "5m"), prices, most).marks


def _best(
    prefixes: Sequence[Prefix], since: int, lives: tuple[CacheTtl, ...], prices: Prices, most: int
) -> _Plan:
    """The best way to mark these, the prompt being marked up to token `since` already."""
    if not prefixes or not most:
        return _Plan(0.0, ())
    first, rest = prefixes[0], prefixes[1:]
    plans = [_best(rest, since, lives, prices, most)]
    for nth, ttl in enumerate(lives):
        saved = (first.tokens - since) * (1 - prices.of_marked(first, ttl))
        then = _best(rest, first.tokens, lives[nth:], prices, most - 1)
        plans.append(_Plan(saved + then.saved, (Mark(first.end, ttl), *then.marks)))
    return max(plans, key=lambda plan: plan.rank)
