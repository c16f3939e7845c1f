"""Where a router sent the calls, and how often it changed its mind. Per call."""

from .facts import Facts, flags
from .measures import Measure, Rate


def routing(facts: Facts) -> dict[str, Measure]:
    return {
        "routed_small_rate": routed_small_rate(facts),
        "escalation_rate": escalation_rate(facts),
        "tier_share": tier_share(facts),
    }


def routed_small_rate(facts: Facts) -> Rate | None:
    """Calls that ended at the smallest tier by the router's decision / calls routed; None when none was."""
    routed = facts.calls[facts.calls["route_rank"].notna()]
    return Rate(int((routed["route_rank"] == 0).sum()), len(routed)) if len(routed) else None


def escalation_rate(facts: Facts) -> Rate | None:
    """Calls for which a larger tier was asked after a smaller one / calls of which a router could have; None
    when it never could."""
    could = facts.calls[facts.calls["escalated"].notna()]
    return Rate(int(flags(could, "escalated").sum()), len(could)) if len(could) else None


def tier_share(facts: Facts) -> dict[str, float] | None:
    """Calls by the tier that they went to at last / calls routed; None when none was."""
    tiers = facts.calls["route_tier"].dropna()
    if not len(tiers):
        return None
    return {str(tier): int(n) / len(tiers) for tier, n in sorted(tiers.value_counts().items())}
