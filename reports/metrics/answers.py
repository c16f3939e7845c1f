"""Where answers came from and whether they were right: cache hits and quality. Per call."""

from .facts import Facts, flags
from .measures import Measure, Rate


def answers(facts: Facts) -> dict[str, Measure]:
    return {
        "cache_hit_rate": exact_hit_rate(facts),
        "exact_hit_rate": exact_hit_rate(facts),
        "quality_rate": quality_rate(facts),
    }


def exact_hit_rate(facts: Facts) -> Rate | None:
    """Calls replayed from the exact-match cache / calls sent; None when no call met a cache.

    The exact-match cache is the only one recorded so far, so this is the rate of all cache hits too.
    """
    if not (facts.calls["cache"] != "off").any():
        return None
    return Rate(int((facts.calls["cache"] == "exact").sum()), len(facts.calls))


def quality_rate(facts: Facts) -> Rate | None:
    """Right answers / successful calls whose right answer is known; None when none is."""
    judged = facts.calls[facts.success & facts.calls["answer_right"].notna().to_numpy(dtype=bool)]
    return Rate(int(flags(judged, "answer_right").sum()), len(judged)) if len(judged) else None
