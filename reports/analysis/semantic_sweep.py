"""A semantic cache's answers at every threshold, from the neighbours that a run recorded.

Each call that reached a semantic cache records the nearest question in it and their similarity. That gives
the call's answer at any threshold, and whether it would have been right. The sweep holds for the content of
the cache in that run: a cache that answers more stores fewer questions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reports.record.kinds import CACHE_HITS

from ..metrics import Facts
from ..metrics.answers import from_another_question
from ..metrics.basis.facts import flags, floats


class Hits(NamedTuple):
    """Shares of all calls: answered from the cache, and answered so with another question's answer."""

    hit_rate: float
    false_share: float


def hits_of(facts: Facts) -> Hits | None:
    """The subject's own hits; None without a cache."""
    calls = facts.calls
    if not (calls["cache"] != "off").any():
        return None
    hit = calls["cache"].isin(CACHE_HITS)
    false = hit & from_another_question(facts, "cached_from")
    return Hits(float(hit.mean()), float(false.mean()))


def sweep(facts: Facts, *, gated: bool = False) -> list[Hits]:
    """From the highest threshold to the lowest: all whose nearest question is similar enough, and, `gated`,
    has the same negations, numbers and names. Exact hits are hits at every threshold. Empty without
    neighbours.
    """
    calls = facts.calls
    met = calls["cache_nearest"].notna().to_numpy(dtype=bool)
    if gated:
        met = met & flags(calls, "cache_same_tokens")
    if not met.any():
        return []
    exact = int(calls["cache"].isin(("exact", "stale")).sum())
    similarity = floats(calls, "cache_similarity")[met]
    wrong = from_another_question(facts, "cache_nearest").to_numpy(dtype=bool)[met]
    order = np.argsort(-similarity, kind="stable")
    last = np.append(np.diff(similarity[order]) != 0, True)
    falses = np.cumsum(wrong[order])[last]
    hits = np.flatnonzero(last) + 1 + exact
    return [Hits(int(n) / len(calls), int(bad) / len(calls)) for n, bad in zip(hits, falses, strict=True)]


def swept(subjects: Sequence[Facts]) -> Facts | None:
    """The subject whose sweep is shown: the one with the fewest semantic hits, because its cache stored the
    most questions."""
    cached = [facts for facts in subjects if facts.calls["cache_nearest"].notna().any()]
    return min(cached, key=lambda facts: int((facts.calls["cache"] == "semantic").sum()), default=None)
