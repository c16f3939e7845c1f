"""What the stack did to get the answers: attempts, retries, hedges, failover, limits."""

import numpy as np
import pandas as pd

from reports.record.kinds import ANSWERED_WITHOUT_ATTEMPT
from reports.stats.intervals import Floats

from .facts import Facts, floats
from .measures import Measure, Quantile, Rate

_LIMITED = ("rate_limited", "quota_exhausted")


def attempts(facts: Facts) -> dict[str, Measure]:
    shares = {"provider_share": provider_share(facts)}
    if not facts.attempts_known:
        return {**dict.fromkeys(_UNKNOWN), **_as_providers_saw(facts), **shares}
    return {
        "attempts": len(facts.sent),
        "retry_amplification": len(facts.sent) / len(facts.calls) if len(facts.calls) else None,
        "hedge_rate": _calls_with(facts, "hedge"),
        "fallback_rate": fallback_rate(facts),
        "continued_rate": _calls_with(facts, "continue"),
        "failover_s_p95": Quantile.of(failover_s(facts), 0.95),
        "rate_limited_attempts": rate_limited_attempts(facts),
        "limiter_wait_s_p95": Quantile.of(floats(facts.attempts, "limiter_wait_s"), 0.95),
        **shares,
    }


def _as_providers_saw(facts: Facts) -> dict[str, Measure]:
    """A subject that tells nothing is counted by the providers: requests received, and those refused for
    their rate."""
    if not facts.ledger_known:
        return {}
    requests = len(facts.ledger)
    return {
        "attempts": requests,
        "retry_amplification": requests / len(facts.calls) if len(facts.calls) else None,
        "rate_limited_attempts": int((facts.ledger["status"] == 429).sum()),
    }


_UNKNOWN = (
    "attempts",
    "retry_amplification",
    "hedge_rate",
    "fallback_rate",
    "continued_rate",
    "failover_s_p95",
    "rate_limited_attempts",
    "limiter_wait_s_p95",
)


def _calls_with(facts: Facts, kind: str) -> Rate:
    """Calls for which at least one attempt of a kind went out / calls sent."""
    callers = facts.sent.loc[facts.sent["kind"] == kind, "call_id"]
    return Rate(int(facts.calls["call_id"].isin(callers).sum()), len(facts.calls))


def fallback_rate(facts: Facts) -> Rate:
    """Calls with at least one attempt on a fallback target / calls sent.

    A reply that broke after its first token is continued elsewhere, if it can be: a continuation by another
    model than the call's first attempt asked is on a fallback target, too.
    """
    sent = facts.sent
    first = sent.sort_values("n").drop_duplicates("call_id").set_index("call_id")
    asked_first = first["provider"] + "/" + first["model"]
    elsewhere = sent["provider"] + "/" + sent["model"] != sent["call_id"].map(asked_first)
    fell_back = (sent["kind"] == "fallback") | ((sent["kind"] == "continue") & elsewhere)
    return Rate(int(facts.calls["call_id"].isin(sent.loc[fell_back, "call_id"]).sum()), len(facts.calls))


def failover_s(facts: Facts) -> Floats:
    """Start of a call's first failed attempt -> first content of the attempt that answered it (the end of
    that attempt when it was not streamed); over the calls that succeeded after a failed attempt."""
    failed = facts.sent[facts.sent["outcome"] == "failed"].groupby("call_id")["started_s"].min()
    answer = facts.answering.set_index("call_id")
    first = answer["first_s"].fillna(answer["end_s"])
    both = pd.concat({"failed": failed, "first": first}, axis=1, join="inner")
    return floats(both, "first") - floats(both, "failed")


def rate_limited_attempts(facts: Facts) -> int:
    """Attempts that the provider answered with 429, exhausted quotas included."""
    limited = facts.sent["error_kind"].isin(_LIMITED) | (facts.sent["status"] == 429).fillna(False)
    return int(limited.sum())


def provider_share(facts: Facts) -> dict[str, float] | None:
    """Successful calls by who answered / successful calls; "cache" for replays, "unknown" if untold."""
    good = facts.calls[facts.success]
    if not len(good):
        return None
    told = good["provider"].fillna(good["call_id"].map(facts.answering.set_index("call_id")["provider"]))
    answered = told.where(~good["cache"].isin(ANSWERED_WITHOUT_ATTEMPT), "cache").fillna("unknown")
    names, counts = np.unique(answered.to_numpy(dtype=str), return_counts=True)
    return {str(name): int(count) / len(good) for name, count in zip(names, counts, strict=True)}
