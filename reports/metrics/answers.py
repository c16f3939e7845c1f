"""Where answers came from and whether they were right: cache hits and quality. Per call."""

from reports.schema import CACHE_HITS

from .facts import Facts, flags
from .measures import Measure, Rate


def answers(facts: Facts) -> dict[str, Measure]:
    return {
        "cache_hit_rate": cache_rate(facts, *CACHE_HITS),
        "exact_hit_rate": cache_rate(facts, "exact", "stale"),
        "semantic_hit_rate": cache_rate(facts, "semantic"),
        "coalesced_rate": cache_rate(facts, "coalesced"),
        "quality_rate": quality_rate(facts),
    }


def cache_rate(facts: Facts, *states: str) -> Rate | None:
    """Calls that met the cache in one of these states / calls sent; None when no call met a cache."""
    if not (facts.calls["cache"] != "off").any():
        return None
    return Rate(int(facts.calls["cache"].isin(states).sum()), len(facts.calls))


def quality_rate(facts: Facts) -> Rate | None:
    """Right answers / successful calls whose right answer is known; None when none is."""
    judged = facts.calls[facts.success & facts.calls["answer_right"].notna().to_numpy(dtype=bool)]
    return Rate(int(flags(judged, "answer_right").sum()), len(judged)) if len(judged) else None
