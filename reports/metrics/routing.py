"""Routes and escalations. Per call."""

from .basis.facts import Facts, flags
from .basis.measures import Rate
from .basis.registry import ROUTING, metric
from .basis.sampling import rate


@metric("routed_small_rate", group=ROUTING, label="Routed to the smallest tier", unit="share")
def routed_small_rate(facts: Facts) -> Rate | None:
    """Calls that ended at the smallest tier of models by the router's decision, of calls routed."""
    rank = facts.calls["route_rank"]
    smallest = (rank == 0).fillna(False).to_numpy(dtype=bool)
    return rate(facts, smallest, rank.notna()) if rank.notna().any() else None


@metric("escalation_rate", group=ROUTING, label="Escalated", unit="share")
def escalation_rate(facts: Facts) -> Rate | None:
    """Calls that went on to a larger tier after a smaller one's answer was doubted or failed, of calls that a
    cascade took."""
    cascaded = facts.calls["escalated"].notna()
    return rate(facts, flags(facts.calls, "escalated"), cascaded) if cascaded.any() else None


@metric("tier_share", label="Calls by tier", unit="share")
def tier_share(facts: Facts) -> dict[str, float] | None:
    """Calls by the tier that they ended at, of calls routed."""
    tiers = facts.calls["route_tier"].dropna()
    if not len(tiers):
        return None
    return {str(tier): int(n) / len(tiers) for tier, n in sorted(tiers.value_counts().items())}
