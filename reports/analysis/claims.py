"""A claim is a sentence with a number in it: read what was expected, judge it against what was measured."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..record.schema import ERROR_KINDS

Verdict = Literal["confirmed", "refuted", "unmeasured"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COMPARISON = re.compile(rf"\s*(>=|<=|==|>|<)\s*({_NUMBER})\s*")
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")


class ClaimError(ValueError):
    """An expectation that cannot be read."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A closed or open interval of the values that confirm a claim."""

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
        """`None` (nobody measured it) is "unmeasured", never a pass; +inf is a value like any other."""
        if observed is None or math.isnan(observed):
            return "unmeasured"
        return "confirmed" if self.holds(observed) else "refuted"


def metric_value(summary: Mapping[str, Any], subject: str, metric: str) -> float | None:
    """A subject's metric as a number: None when nobody measured it, `inf` when it is unbounded.

    `group.key` reaches into a metric that is a table ("error_rate_by_kind.timeout_total",
    "provider_share.openai"). A key the table lacks is 0 when the name is one that this run could have
    counted, else unmeasured, so that a misspelt name never passes.
    """
    values = summary["subjects"].get(subject)
    if values is None:
        return None
    if metric in summary.get("unbounded", {}).get(subject, ()):
        return math.inf
    group, _, key = metric.partition(".")
    value = values.get(group)
    if isinstance(value, Mapping):
        if key in value:
            return float(value[key])
        return 0.0 if _could_count(summary, group, key) else None
    if value is None or key or isinstance(value, str):
        return None
    return float(value)


def _could_count(summary: Mapping[str, Any], group: str, key: str) -> bool:
    if group == "error_rate_by_kind":
        return key in ERROR_KINDS
    return any(key in (other.get(group) or ()) for other in summary["subjects"].values())


def judge_claims(claims: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each claim with what was observed (null when unmeasured or unbounded) and its verdict."""
    judged = []
    for claim in claims:
        observed = metric_value(summary, claim["subject"], claim["metric"])
        judged.append(
            {
                "text": claim["text"],
                "subject": claim["subject"],
                "metric": claim["metric"],
                "expected": claim["expected"],
                "observed": None if observed is None or math.isinf(observed) else observed,
                "verdict": Expectation.parse(claim["expected"]).judge(observed),
            }
        )
    return judged
