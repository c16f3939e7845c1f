"""Quality against cost: the share of the gap between a small and a large model that a router recovers.

A run that routed all calls of one subject to the smallest tier and all calls of another to the largest has
both ends. Sending a share of calls to the large one at random gives every point on the line between them:
a router has to beat that line.

- gap recovered (PGR, performance gap recovered): (quality - small's) / (large's - small's)
- cost share: (cost - small's) / (large's - small's)
- APGR, the average of PGR over cost shares from 0 to 1: the area under the router's curve; random mixing: 0.5

A router with a score has a curve: at each threshold, the calls that score at least that much would have gone
to the large model, the others to the small one. The answers and bills of both are known, because both were
sent the same calls. A router without a score has the curve through its one point that random mixing with
either end makes. Source: I. Ong and others, "RouteLLM: Learning to Route LLMs with Preference Data", arXiv
2406.18665; there the axis is the share of calls, which is that of the cost unless a router pays for more
than one answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.stats.intervals import Floats

from .basis.facts import NANO, Facts, flags, floats, once_per_facts
from .basis.registry import ROUTING, relative_metric

SCORED = ("heuristic", "oracle")
"""Policies whose score is how much a call wants the large tier."""


@dataclass(frozen=True, slots=True)
class Point:
    """One way of answering: dollars per 1,000 calls and the share of right answers."""

    usd: float
    quality: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The two ends."""

    small: Point
    large: Point

    def recovered(self, point: Point) -> float | None:
        """PGR: 0 is the small model's quality, 1 the large one's; None if they are alike."""
        gap = self.large.quality - self.small.quality
        return (point.quality - self.small.quality) / gap if gap else None

    def cost_share(self, point: Point) -> float | None:
        """The cost on a scale from 0 (small) to 1 (large); None if both ends cost the same."""
        gap = self.large.usd - self.small.usd
        return (point.usd - self.small.usd) / gap if gap else None

    def apgr(self, curve: Sequence[Point]) -> float | None:
        """The area under PGR over the cost share, from 0 to 1, both ends put in; straight between points.

        None if the ends do not differ. Points that cost more than the large model are left out.
        """
        known = [(0.0, 0.0), (1.0, 1.0)]
        for point in curve:
            x, y = self.cost_share(point), self.recovered(point)
            if x is None or y is None:
                return None
            if 0 <= x <= 1:
                known.append((x, y))
        return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(sorted(known)))

    def saving(self, point: Point) -> float | None:
        """The saving against the random mix that is right as often, as a share of its cost; may be negative.

        No mix is better than the large model, or cheaper than the small one.
        """
        recovered = self.recovered(point)
        if recovered is None:
            return None
        same = self.small.usd + min(max(recovered, 0.0), 1.0) * (self.large.usd - self.small.usd)
        return 1 - point.usd / same if same else None


def gap_of(subjects: Sequence[Facts]) -> Gap | None:
    """The ends of a run: the subjects that routed every call to the smallest, and to the largest, tier."""
    small, large = (_always(subjects, policy) for policy in ("small", "large"))
    if small is None or large is None:
        return None
    ends = point_of(small), point_of(large)
    return None if ends[0] is None or ends[1] is None else Gap(ends[0], ends[1])


@once_per_facts
def point_of(facts: Facts) -> Point | None:
    """A subject's cost and share of right answers over all calls sent; a call without an answer is not right.
    None without judged answers or without a ledger.
    """
    calls = facts.calls
    if not len(calls) or not facts.ledger_known or not calls["answer_right"].notna().any():
        return None
    right = float(flags(calls, "answer_right").mean())
    return Point(int(facts.ledger["cost_nusd"].sum()) * 1000 / (NANO * len(calls)), right)


def curve_of(facts: Facts, subjects: Sequence[Facts]) -> list[Point]:
    """The curve of a subject, cheapest first, without the ends; its one point if it has no score."""
    policies = _policies(facts)
    small, large = (_always(subjects, policy) for policy in ("small", "large"))
    if small is not None and large is not None and len(policies) == 1 and policies[0] in SCORED:
        return _thresholds(facts, small, large)
    point = point_of(facts)
    return [] if point is None else [point]


@relative_metric("gap_recovered", group=ROUTING, label="Quality gap recovered", unit="share", better="higher")
def gap_recovered(facts: Facts, subjects: Sequence[Facts]) -> float | None:
    """Of the difference in right answers between sending every call to the large tier and to the small one,
    the share that the router recovers (PGR)."""
    placed = _router(facts, subjects)
    return placed and placed.gap.recovered(placed.point)


@relative_metric("apgr", group=ROUTING, label="APGR", unit="ratio", better="higher")
def apgr(facts: Facts, subjects: Sequence[Facts]) -> float | None:
    """The share of the gap recovered, averaged over all costs between small and large: 0.5 is what random
    mixing gives, 1 the large model's quality at the small one's cost."""
    placed = _router(facts, subjects)
    return placed and placed.gap.apgr(curve_of(facts, subjects))


@relative_metric(
    "saving_at_equal_quality", group=ROUTING, label="Saving at equal quality", unit="share", better="higher"
)
def saving_at_equal_quality(facts: Facts, subjects: Sequence[Facts]) -> float | None:
    """The router's saving, as a share of the cost of the random mix of small and large that is right as
    often. Negative: the mix is cheaper."""
    placed = _router(facts, subjects)
    return placed and placed.gap.saving(placed.point)


class _Router(NamedTuple):
    gap: Gap
    point: Point


def _router(facts: Facts, subjects: Sequence[Facts]) -> _Router | None:
    """A router between both ends of the run; None for the ends themselves, and where one of the ends, the
    routes, the judgements or the bill are missing."""
    policies = _policies(facts)
    if not policies or policies in (("small",), ("large",)):
        return None
    gap, point = gap_of(subjects), point_of(facts)
    return None if gap is None or point is None else _Router(gap, point)


@once_per_facts
def _policies(facts: Facts) -> tuple[str, ...]:
    """The policies by which the subject routed calls."""
    return tuple(map(str, facts.calls["route_policy"].dropna().unique()))


def _always(subjects: Sequence[Facts], policy: str) -> Facts | None:
    """The subject that routed every routed call by this policy."""
    return next((facts for facts in subjects if _policies(facts) == (policy,)), None)


def _thresholds(facts: Facts, small: Facts, large: Facts) -> list[Point]:
    """The mix of both ends at every threshold between two scores, over the calls that all three know."""
    ours = facts.calls[facts.calls["route_score"].notna()]
    known = ours["call_id"].isin(small.calls["call_id"]) & ours["call_id"].isin(large.calls["call_id"])
    ids, scores = pd.Index(ours.loc[known, "call_id"]), floats(ours[known], "route_score")
    (low_nusd, low_right), (high_nusd, high_right) = (_by_call(end, ids) for end in (small, large))
    order = np.argsort(-scores, kind="stable")
    nusd = low_nusd.sum() + np.cumsum((high_nusd - low_nusd)[order])
    right = low_right.sum() + np.cumsum((high_right - low_right)[order])
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], [False] * (len(ordered) > 0)))
    count = max(len(ids), 1)
    return [Point(float(nusd[n]) * 1000 / (NANO * count), float(right[n]) / count) for n in ends]


def _by_call(facts: Facts, ids: "pd.Index[str]") -> tuple[npt.NDArray[np.int64], Floats]:
    """Nano-dollars billed for each of these calls, and 1.0 where its answer was right."""
    call_id = facts.ledger["attempt_id"].str.rsplit("/", n=1).str[0]
    billed = facts.ledger["cost_nusd"].groupby(call_id).sum().reindex(ids, fill_value=0)
    right = facts.calls.set_index("call_id")["answer_right"].reindex(ids).fillna(False)
    return billed.to_numpy(dtype=np.int64), right.to_numpy(dtype=np.float64)
