"""Success, goodput, refusals and errors, overall and while a fault was active. Per call."""

import numpy as np

from .basis.facts import Facts
from .basis.measures import Rate
from .basis.registry import RELIABILITY, metric
from .basis.sampling import rate


@metric("calls", group=RELIABILITY, label="Calls that ended", unit="count", minor=True)
def calls(facts: Facts) -> int:
    """Calls that were sent and ended: answered, empty, filtered, failed, rejected, or ended by an error of
    the client's own. Rates of calls sent are of these. Calls that the harness cut, or that were under way
    when the run stopped, are counted under Load.
    """
    return len(facts.calls)


@metric("success_rate", group=RELIABILITY, label="Success", unit="share", better="higher", in_verdict=True)
def success_rate(facts: Facts) -> Rate:
    """Calls that ended in a complete answer / calls sent. Not a complete answer: a failure, a truncated
    stream, a reply without content, one that the provider filtered (`content_filter`), and one that the token
    limit cut (`length`)."""
    return rate(facts, facts.success)


@metric(
    "success_rate_in_faults",
    group=RELIABILITY,
    label="Success during the fault",
    unit="share",
    better="higher",
    in_verdict=True,
)
def success_rate_in_faults(facts: Facts) -> Rate | None:
    """Calls that ended in a complete answer, of those planned while a scheduled fault was active."""
    if facts.during_faults is None:
        return None
    return rate(facts, facts.success, facts.during_faults)


@metric("calls_in_faults", label="Calls during the fault", unit="count")
def calls_in_faults(facts: Facts) -> int | None:
    """Calls planned while a scheduled fault was active."""
    return None if facts.during_faults is None else int(facts.during_faults.sum())


@metric(
    "goodput_rate",
    group=RELIABILITY,
    label="Goodput (within SLO)",
    unit="share",
    better="higher",
    in_verdict=True,
)
def goodput_rate(facts: Facts) -> Rate | None:
    """Calls that succeeded and met every latency objective of the scenario, of calls sent."""
    slo = facts.manifest.slo
    if slo.ttft_s is None and slo.e2e_s is None:
        return None
    good = facts.success.copy()
    if slo.ttft_s is not None:
        good &= facts.ttft_s <= slo.ttft_s
    if slo.e2e_s is not None:
        good &= facts.e2e_s <= slo.e2e_s
    return rate(facts, good)


@metric(
    "rejected_rate",
    group=RELIABILITY,
    label="Refused by the subject",
    unit="share",
    better="lower",
    in_verdict=True,
)
def rejected_rate(facts: Facts) -> Rate:
    """Calls that the subject itself turned away (limits, deadlines), of calls sent."""
    return rate(facts, facts.calls["outcome"] == "rejected")


@metric(
    "no_answer_rate", group=RELIABILITY, label="Empty or filtered", unit="share", better="lower", minor=True
)
def no_answer_rate(facts: Facts) -> Rate:
    """Calls whose reply ended well but is no answer: without a word, or filtered by the provider; of calls
    sent. They are not successes.
    """
    return rate(facts, facts.calls["outcome"].isin(("empty", "filtered")))


@metric(
    "token_limit_rate",
    group=RELIABILITY,
    label="Cut at the token limit",
    unit="share",
    better="lower",
    minor=True,
)
def token_limit_rate(facts: Facts) -> Rate:
    """Calls whose reply ended with the finish reason `length` / calls sent. They are not successes."""
    return rate(facts, facts.at_token_limit)


@metric(
    "client_error_rate",
    group=RELIABILITY,
    label="Errors of the client's own",
    unit="share",
    better="lower",
    minor=True,
)
def client_error_rate(facts: Facts) -> Rate:
    """Calls in which the user's client raised an exception that is no failure of a provider, returned
    something that is no text, or cancelled itself; of calls sent. They are not successes.
    """
    return rate(facts, facts.calls["outcome"] == "client_error")


@metric("error_rate_by_kind", label="Errors by kind", unit="share")
def error_rate_by_kind(facts: Facts) -> dict[str, float] | None:
    """Calls that failed or were refused with an error kind, of calls sent, for each kind that occurred."""
    if not len(facts.calls):
        return None
    return {kind: count / len(facts.calls) for kind, count in error_counts(facts).items()}


def error_counts(facts: Facts) -> dict[str, int]:
    """Calls that failed or were refused by error kind ("unknown" for null), most frequent first."""
    ended_badly = facts.calls["outcome"].isin(("failed", "rejected", "client_error")).to_numpy(dtype=bool)
    bad = facts.calls.loc[ended_badly, "error_kind"].fillna("unknown")
    kinds, counts = np.unique(bad.to_numpy(dtype=str), return_counts=True)
    order = sorted(zip(kinds.tolist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(order)
