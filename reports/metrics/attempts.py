"""The stack's work for the answers: attempts, retries, hedges, failover, limits."""

import numpy as np
import pandas as pd

from reports.record.kinds import ANSWERED_WITHOUT_ATTEMPT
from reports.stats.intervals import Floats

from .basis.facts import Facts, floats
from .basis.measures import Mean, Rate, Total
from .basis.registry import STACK, metric, percentiles
from .basis.sampling import mean, per_call, rate, total

_LIMITED = ("rate_limited", "quota_exhausted")


@metric("attempts", group=STACK, label="Requests to providers", unit="count", better="lower", minor=True)
def attempts(facts: Facts) -> Total | None:
    """Attempts that went out to a provider. If the subject reports none: requests in the ledger."""
    if not (facts.attempts_known or facts.ledger_known):
        return None
    rows = facts.sent if facts.attempts_known else facts.ledger
    return total(facts, per_call(facts, rows), len(rows))


@metric(
    "retry_amplification",
    group=STACK,
    label="Attempts per call",
    unit="ratio",
    better="lower",
    in_verdict=True,
)
def retry_amplification(facts: Facts) -> Mean | None:
    """Attempts sent to providers, of any kind, divided by calls sent."""
    sent = attempts(facts)
    if sent is None or not facts.billed_calls:
        return None
    by_call = per_call(facts, facts.sent if facts.attempts_known else facts.ledger)
    return mean(facts, by_call, np.ones(len(facts.calls)), sent.value / facts.billed_calls)


@metric("fallback_rate", group=STACK, label="Calls that fell back", unit="share", needs=["attempts"])
def fallback_rate(facts: Facts) -> Rate:
    """Calls with at least one attempt on a fallback target, of calls sent. A continuation by another model
    than that of the call's first attempt counts."""
    sent = facts.sent
    first = sent.sort_values("n").drop_duplicates("call_id").set_index("call_id")
    first_target = first["provider"] + "/" + first["model"]
    elsewhere = sent["provider"] + "/" + sent["model"] != sent["call_id"].map(first_target)
    return _calls_with(facts, (sent["kind"] == "fallback") | ((sent["kind"] == "continue") & elsewhere))


@metric("continued_rate", group=STACK, label="Calls continued", unit="share", minor=True, needs=["attempts"])
def continued_rate(facts: Facts) -> Rate:
    """Calls whose reply broke after its first token and was continued by another attempt, of calls sent."""
    return _calls_with(facts, facts.sent["kind"] == "continue")


@metric("hedge_rate", group=STACK, label="Calls that hedged", unit="share", minor=True, needs=["attempts"])
def hedge_rate(facts: Facts) -> Rate:
    """Calls with at least one hedged attempt, of calls sent."""
    return _calls_with(facts, facts.sent["kind"] == "hedge")


@percentiles("failover_s", 95, group=STACK, label="Failover time", needs=["attempts"])
def failover_s(facts: Facts) -> Floats:
    """First content of the attempt that answered a call (its end if it was not streamed) - end of the call's
    first failed attempt, at least 0; over calls that succeeded after a failure. What streamed before the
    failure does not count; 0 where a hedge was ahead."""
    failed = facts.sent[facts.sent["outcome"] == "failed"].groupby("call_id")["end_s"].min()
    answer = facts.answering.set_index("call_id")
    ready_s = failed.index.to_series().map(answer["first_s"].fillna(answer["end_s"]))
    taken_s = np.maximum(ready_s.to_numpy(dtype=np.float64) - failed.to_numpy(dtype=np.float64), 0.0)
    ids = dict(zip(failed.index, taken_s, strict=True))
    by_call = facts.calls["call_id"].map(ids).to_numpy(dtype=np.float64)
    return np.where(facts.success, by_call, np.nan)


@metric(
    "rate_limited_attempts",
    group=STACK,
    label="Attempts answered 429",
    unit="count",
    better="lower",
    in_verdict=True,
)
def rate_limited_attempts(facts: Facts) -> Total | None:
    """Attempts that a provider refused for its rate limit or an exhausted quota."""
    if facts.attempts_known:
        limited = facts.sent["error_kind"].isin(_LIMITED) | (facts.sent["status"] == 429).fillna(False)
        rows = facts.sent[limited]
    elif facts.ledger_known:
        rows = facts.ledger[facts.ledger["status"] == 429]
    else:
        return None
    return total(facts, per_call(facts, rows), len(rows))


@percentiles("limiter_wait_s", 95, group=STACK, label="Wait in own limiter", minor=[95], needs=["attempts"])
def limiter_wait_s(facts: Facts) -> Floats:
    """Time an attempt queued in the subject's own rate limiter."""
    return floats(facts.attempts, "limiter_wait_s")


@metric("provider_share", label="Answers by provider", unit="share")
def provider_share(facts: Facts) -> dict[str, float] | None:
    """Successful calls by the provider that answered, of successful calls; "cache" for replays."""
    good = facts.calls[facts.success]
    if not len(good):
        return None
    by_attempt = good["call_id"].map(facts.answering.set_index("call_id")["provider"].to_dict())
    provider = good["provider"].astype(object).where(good["provider"].notna(), by_attempt.astype(object))
    provider = provider.where(~good["cache"].isin(ANSWERED_WITHOUT_ATTEMPT), "cache").fillna("unknown")
    names, counts = np.unique(provider.to_numpy(dtype=str), return_counts=True)
    return {str(name): int(count) / len(good) for name, count in zip(names, counts, strict=True)}


def _calls_with(facts: Facts, chosen: "pd.Series[bool]") -> Rate:
    """Calls with at least one of the chosen attempts sent / calls sent."""
    callers = facts.sent.loc[chosen, "call_id"]
    return rate(facts, facts.calls["call_id"].isin(callers))
