"""Policy `latency`: of the eligible targets, the one with the lowest median TTFT of its recent attempts.

An attempt that failed before its first token counts as its whole timeout. A target without recent samples
is asked first, so that a slow target that recovered is noticed. The median is robust against single slow
replies.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from pydantic import Field

from ..config.options import Options
from ..core.call import Call
from ..core.facts import AttemptFacts
from ..core.target import Target
from ..state.quantile import quantile
from .tiers import Decision, Tiers


class LatencyOptions(Options):
    """The median TTFT of each target's latest `window` 20 attempts, none older than `forget_s` 60 seconds;
    `at_least` "": the smallest eligible tier, "" for any.
    """

    window: int = Field(default=20, ge=1)
    forget_s: float = Field(default=60.0, gt=0)
    at_least: str = ""


class Sample(NamedTuple):
    """A TTFT, and the moment when it was measured."""

    at_s: float
    ttft_s: float


Known = Mapping[str, tuple[Sample, ...]]
"""By the target's name, the oldest first."""


def sample_of(attempt: AttemptFacts, target: Target, now: float) -> Sample | None:
    """The sample of an attempt at a target; None if it was not sent, or abandoned before its first token."""
    if attempt.first_s is not None:
        return Sample(now, attempt.first_s - attempt.started_s)
    if attempt.outcome != "failed" or attempt.end_s is None:
        return None
    waited_s = attempt.end_s - attempt.started_s
    return Sample(now, waited_s if target.timeout_s == inf else max(waited_s, target.timeout_s))


def typical_s(options: LatencyOptions, samples: tuple[Sample, ...], now: float) -> float | None:
    """The median of the recent samples; None without any."""
    recent = tuple(sample.ttft_s for sample in samples if now - sample.at_s <= options.forget_s)
    return quantile(recent, 0.5) if recent else None


def latency(options: LatencyOptions, tiers: Tiers, call: Call, known: Known, now: float) -> Decision:
    """The decision for one call: unknown targets first, then by the median, ties in the chain's order."""
    fit = tiers.eligible(call, options.at_least)
    typical = {target.name: typical_s(options, known.get(target.name, ()), now) for target in fit}
    order = sorted(fit, key=lambda target: typical[target.name] or 0.0)
    median_s = typical[order[0].name]
    why = (
        f"{order[0].name}: nothing recent is known"
        if median_s is None
        else f"{order[0].name}: {median_s:.3f} s"
    )
    return tiers.in_order(order, median_s, why)
