"""Tiers: the targets of a stack, grouped by capability and cost, the smallest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.call import Call
from ..core.eligibility import unsuitable
from ..core.target import Target


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a call goes: `order` has every target, those of `tier` first, the others as their fallback.

    `rank` is the tier's index, 0 for the smallest. `score` is the number that the policy decided by, None if
    there is none; `why` is its reason in words.
    """

    order: tuple[Target, ...]
    tier: str
    rank: int
    score: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tiers:
    """The tiers by name, smallest first, and the targets in the order of the stack's chain."""

    names: tuple[str, ...]
    targets: tuple[Target, ...]

    def of(self, tier: str) -> tuple[Target, ...]:
        """The targets of one tier."""
        return tuple(target for target in self.targets if target.tier == tier)

    def suited(self, call: Call) -> tuple[str, ...]:
        """The tiers with a target that can serve this call; all if none has: the chain then reports why."""
        fit = tuple(tier for tier in self.names if any(unsuitable(call, t) is None for t in self.of(tier)))
        return fit or self.names

    def eligible(self, call: Call, at_least: str = "") -> list[Target]:
        """The targets from tier `at_least` on that can serve this call; all of these tiers if none can."""
        least = self.names.index(at_least) if at_least else 0
        large_enough = [target for target in self.targets if self.names.index(target.tier) >= least]
        return [target for target in large_enough if unsuitable(call, target) is None] or large_enough

    def nearest(self, call: Call, wanted: str) -> str:
        """`wanted` if it can serve the call, else the next larger tier that can, else the next smaller."""
        fit, at = self.suited(call), self.names.index(wanted)
        order = (*self.names[at:], *reversed(self.names[:at]))
        return next(tier for tier in order if tier in fit)

    def to(self, tier: str, score: float | None = None, why: str = "") -> Decision:
        """The decision for `tier`, in the chain's order within it."""
        return self.in_order(self.of(tier), score, why)

    def in_order(self, first: Sequence[Target], score: float | None = None, why: str = "") -> Decision:
        """The decision to try `first` in this order, then the others in the chain's order."""
        others = tuple(target for target in self.targets if target not in first)
        tier = first[0].tier
        return Decision((*first, *others), tier, self.names.index(tier), score, why)
