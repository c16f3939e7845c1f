"""Did the calls get answers: success, goodput, refusals, errors; overall and while a fault was active."""

import numpy as np

from .facts import Facts
from .measures import Measure, Rate


def reliability(facts: Facts) -> dict[str, Measure]:
    return {
        "calls": len(facts.calls),
        "success_rate": success_rate(facts),
        "goodput_rate": goodput_rate(facts),
        "rejected_rate": rejected_rate(facts),
        "error_rate_by_kind": error_rate_by_kind(facts),
        "calls_in_faults": calls_in_faults(facts),
        "success_rate_in_faults": success_rate_in_faults(facts),
    }


def success_rate(facts: Facts) -> Rate:
    """Calls that ended in a complete answer / calls sent. A truncated stream is a failure."""
    return Rate(int(facts.success.sum()), len(facts.calls))


def goodput_rate(facts: Facts) -> Rate | None:
    """Calls that succeeded within every SLO / calls sent; None when the run states no SLO."""
    ttft_slo, e2e_slo = facts.manifest.slo.ttft_s, facts.manifest.slo.e2e_s
    if ttft_slo is None and e2e_slo is None:
        return None
    good = facts.success.copy()
    if ttft_slo is not None:
        good &= facts.ttft_s <= ttft_slo
    if e2e_slo is not None:
        good &= facts.e2e_s <= e2e_slo
    return Rate(int(good.sum()), len(facts.calls))


def rejected_rate(facts: Facts) -> Rate:
    """Calls that the subject itself refused / calls sent."""
    return Rate(int((facts.calls["outcome"] == "rejected").sum()), len(facts.calls))


def error_counts(facts: Facts) -> dict[str, int]:
    """Calls that failed or were refused, by error kind ("unknown" if none was told), most frequent first."""
    bad = facts.calls.loc[~facts.success, "error_kind"].fillna("unknown")
    kinds, counts = np.unique(bad.to_numpy(dtype=str), return_counts=True)
    order = sorted(zip(kinds.tolist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(order)


def error_rate_by_kind(facts: Facts) -> dict[str, float] | None:
    """Calls that failed or were refused with an error kind / calls sent, for each kind that occurred."""
    if not len(facts.calls):
        return None
    return {kind: count / len(facts.calls) for kind, count in error_counts(facts).items()}


def calls_in_faults(facts: Facts) -> int | None:
    """Calls planned while a scheduled fault was active; None when none was scheduled."""
    return None if facts.during_faults is None else int(facts.during_faults.sum())


def success_rate_in_faults(facts: Facts) -> Rate | None:
    """Of the calls planned while a scheduled fault was active, those that succeeded."""
    if facts.during_faults is None:
        return None
    return Rate(int((facts.success & facts.during_faults).sum()), int(facts.during_faults.sum()))
