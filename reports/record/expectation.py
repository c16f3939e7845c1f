"""The expectation of a claim: which values of a metric confirm it."""

import math
import re
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["confirmed", "refuted", "unmeasured", "not tested", "not judged"]
"""unmeasured: nobody measured the metric. not tested: the run met none of its faults, or was stopped before
its end. not judged: the run is INVALID, or the claim is about other inputs than were played."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COMPARISON = re.compile(rf"\s*(>=|<=|==|>|<)\s*({_NUMBER})\s*")
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")


class ClaimError(ValueError):
    """An expectation that does not parse."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The interval of values that confirm a claim; either end may be excluded or infinite."""

    low: float
    high: float
    includes_low: bool = True
    includes_high: bool = True

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        """Read ">= 0.999", "<= 1.5", "> 2", "< 2", "== 0" (exactly) or "0.4 .. 0.6" (both ends count)."""
        if match := _RANGE.fullmatch(text):
            low, high = float(match[1]), float(match[2])
            if low > high:
                raise ClaimError(f"expected {text!r}: the range is empty")
            return cls(low, high)
        match = _COMPARISON.fullmatch(text)
        if match is None:
            raise ClaimError(
                f"expected {text!r}: must look like '>= 0.999', '<= 1.5', '== 0' or '0.4 .. 0.6'"
            )
        bound = float(match[2])
        if match[1] == "==":
            return cls(bound, bound)
        if match[1].startswith(">"):
            return cls(bound, math.inf, includes_low=match[1] == ">=")
        return cls(-math.inf, bound, includes_high=match[1] == "<=", includes_low=False)

    def holds(self, value: float) -> bool:
        above = value >= self.low if self.includes_low else value > self.low
        below = value <= self.high if self.includes_high else value < self.high
        return above and below

    def judge(self, observed: float | None) -> Verdict:
        """None and NaN are "unmeasured", never a pass; +inf is a value like any other."""
        if observed is None or math.isnan(observed):
            return "unmeasured"
        return "confirmed" if self.holds(observed) else "refuted"
