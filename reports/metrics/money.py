"""Tokens and dollars that the providers billed, summed as integers.

Billed rows of the ledger are those that cost something or ended complete (a provider may be free of charge).
"""

import numpy as np
import pandas as pd

from reports.record.parts import continued_parts

from .basis import sampling
from .basis.facts import NANO, Facts, Mask, once_per_facts, total
from .basis.measures import Mean, Rate, Total
from .basis.registry import ANSWERS, COST, metric
from .basis.sampling import mean, per_call, rate_of_rows


@metric("billed_usd", group=COST, label="Billed", unit="usd", better="lower", needs=["ledger"])
def billed_usd(facts: Facts) -> Total:
    """Everything the mock providers charged for calls that ended."""
    return _summed(facts, facts.ledger, "cost_nusd", NANO)


@metric(
    "unended_usd",
    group=COST,
    label="Billed for calls that did not end",
    unit="usd",
    minor=True,
    needs=["ledger"],
)
def unended_usd(facts: Facts) -> float:
    """Everything the mock providers charged for calls that the harness cut, or that were under way when the
    run stopped; not part of the other sums."""
    return total(facts.unended_ledger, "cost_nusd") / NANO


@metric(
    "usd_per_1k_calls",
    group=COST,
    label="Per 1,000 calls",
    unit="usd",
    better="lower",
    in_verdict=True,
    needs=["ledger"],
)
def usd_per_1k_calls(facts: Facts) -> Mean:
    """Billed, per thousand calls sent."""
    return _usd_per_1k(facts, np.ones(len(facts.calls), dtype=bool), facts.billed_calls)


@metric(
    "usd_per_1k_answers",
    group=COST,
    label="Per 1,000 answers",
    unit="usd",
    better="lower",
    in_verdict=True,
    needs=["ledger"],
)
def usd_per_1k_answers(facts: Facts) -> Mean:
    """Billed, per thousand calls that succeeded: failed calls are often free and answer nothing."""
    return _usd_per_1k(facts, facts.success, int(facts.success.sum()))


@metric(
    "wasted_usd",
    group=COST,
    label="Wasted",
    unit="usd",
    better="lower",
    in_verdict=True,
    needs=["ledger", "attempts"],
)
def wasted_usd(facts: Facts) -> Total:
    """Billed for attempts of which nobody got an answer or a part of one: lost hedges, answers that were
    discarded or doubted, attempts of calls that did not succeed. A part that was delivered before a stream
    broke, and then continued, is not wasted; nor is an answer that a cache served to another call."""
    return _summed(facts, wasted_rows(facts), "cost_nusd", NANO)


@metric("input_tokens", group=COST, label="Input tokens", unit="count", minor=True, needs=["ledger"])
def input_tokens(facts: Facts) -> Total:
    """Input tokens billed, cached ones included."""
    return _summed(facts, billed_rows(facts), "input_tokens")


@metric(
    "cached_input_tokens", group=COST, label="of which cached", unit="count", minor=True, needs=["ledger"]
)
def cached_input_tokens(facts: Facts) -> Total:
    """Input tokens the provider's prompt cache served."""
    return _summed(facts, billed_rows(facts), "cached_input_tokens")


@metric("output_tokens", group=COST, label="Output tokens", unit="count", minor=True, needs=["ledger"])
def output_tokens(facts: Facts) -> Total:
    """Output tokens billed."""
    return _summed(facts, billed_rows(facts), "output_tokens")


@metric(
    "wasted_tokens",
    group=COST,
    label="Wasted tokens",
    unit="count",
    better="lower",
    minor=True,
    needs=["ledger", "attempts"],
)
def wasted_tokens(facts: Facts) -> int:
    """Input and output tokens of the attempts counted as wasted."""
    wasted = wasted_rows(facts)
    return total(wasted, "input_tokens") + total(wasted, "output_tokens")


@metric("usd_by_model", label="Billed by model", unit="usd", needs=["ledger"])
def usd_by_model(facts: Facts) -> dict[str, float]:
    """Billed, by the model that did the work."""
    return {model: nusd / NANO for model, nusd in cost_by_model_nusd(facts).items()}


@metric(
    "provider_cache_hit_rate",
    group=ANSWERS,
    label="Provider prompt-cache hits",
    unit="share",
    better="higher",
    minor=True,
    after="coalesced_rate",
    needs=["ledger"],
)
def provider_cache_hit_rate(facts: Facts) -> Rate:
    """Billed requests for which the provider served part of the prompt from its cache."""
    billed = billed_rows(facts)
    return rate_of_rows(facts, billed[billed["cached_input_tokens"] > 0], billed)


@once_per_facts
def billed_rows(facts: Facts) -> pd.DataFrame:
    """Ledger rows that cost something or ended complete."""
    ledger = facts.ledger
    return ledger[(ledger["cost_nusd"] > 0) | (ledger["ended"] == "complete")]


@once_per_facts
def wasted_rows(facts: Facts) -> pd.DataFrame:
    """Billed rows whose attempt gave nobody an answer or a part of one."""
    billed = billed_rows(facts)
    useful = [facts.answering["attempt_id"], facts.auxiliary["attempt_id"]]
    useful += [_continued(facts)["attempt_id"], _cached(facts)["attempt_id"]]
    return billed[~billed["attempt_id"].isin(pd.concat(useful))]


def _continued(facts: Facts) -> pd.DataFrame:
    """Attempts whose stream broke after its first content and was continued, in calls that succeeded."""
    parts = continued_parts(facts.sent)
    return parts[parts["call_id"].isin(facts.answering["call_id"])]


def _cached(facts: Facts) -> pd.DataFrame:
    """Whole answers whose own call did not succeed, but which a cache served to another call."""
    served = facts.calls.loc[facts.success, "cached_from"].dropna()
    return facts.sent[(facts.sent["outcome"] == "success") & facts.sent["call_id"].isin(served)]


def cost_by_model_nusd(facts: Facts) -> dict[str, int]:
    """Nano-dollars billed by model; models that cost nothing are left out."""
    sums = facts.ledger.groupby("model")["cost_nusd"].sum()
    return {str(model): int(cost) for model, cost in sums.items() if cost}


def _summed(facts: Facts, rows: pd.DataFrame, column: str, unit: int = 1) -> Total:
    """The sum of a column over `unit`, exact, with its parts by call."""
    value, by_call = total(rows, column), per_call(facts, rows, column)
    return sampling.total(
        facts, None if by_call is None else by_call / unit, value if unit == 1 else value / unit
    )


def _usd_per_1k(facts: Facts, counted: Mask, n: int) -> Mean:
    value = total(facts.ledger, "cost_nusd") * 1000 / (NANO * n) if n else None
    by_call = per_call(facts, facts.ledger, "cost_nusd")
    return mean(facts, by_call, counted, value, 1000 / NANO)
