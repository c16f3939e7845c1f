"""Tokens and dollars, summed as integers: what the provider billed, what the subject believes, the waste.

Billed rows of the ledger are those that cost something or ended complete (a provider may be free of charge).
"""

from dataclasses import dataclass

import pandas as pd

from .facts import NANO, Facts, flags, total
from .measures import Measure, Rate


def money(facts: Facts) -> dict[str, Measure]:
    return {**_billed(facts), **_reconciled(facts)}


def billed_rows(facts: Facts) -> pd.DataFrame:
    ledger = facts.ledger
    return ledger[(ledger["cost_nusd"] > 0) | (ledger["ended"] == "complete")]


def wasted_rows(facts: Facts) -> pd.DataFrame:
    """Billed rows whose attempt answered no successful call: lost hedges, cut streams, abandoned calls."""
    billed = billed_rows(facts)
    of_use = pd.concat([facts.answering["attempt_id"], facts.aside["attempt_id"]])
    return billed[~billed["attempt_id"].isin(of_use)]


def cost_by_model_nusd(facts: Facts) -> dict[str, int]:
    sums = facts.ledger.groupby("model")["cost_nusd"].sum()
    return {str(model): int(cost) for model, cost in sums.items() if cost}


def _billed(facts: Facts) -> dict[str, Measure]:
    if not facts.ledger_known:
        return dict.fromkeys(_FROM_LEDGER)
    billed = billed_rows(facts)
    wasted = wasted_rows(facts) if facts.attempts_known else None
    cost, calls, answered = total(facts.ledger, "cost_nusd"), len(facts.calls), int(facts.success.sum())
    return {
        "input_tokens": total(billed, "input_tokens"),
        "output_tokens": total(billed, "output_tokens"),
        "cached_input_tokens": total(billed, "cached_input_tokens"),
        "wasted_tokens": None
        if wasted is None
        else total(wasted, "input_tokens") + total(wasted, "output_tokens"),
        "billed_usd": cost / NANO,
        "usd_per_1k_calls": cost * 1000 / (NANO * calls) if calls else None,
        "usd_per_1k_answers": cost * 1000 / (NANO * answered) if answered else None,
        "wasted_usd": None if wasted is None else total(wasted, "cost_nusd") / NANO,
        "usd_by_model": {model: nusd / NANO for model, nusd in cost_by_model_nusd(facts).items()},
        "provider_cache_hit_rate": Rate(int((billed["cached_input_tokens"] > 0).sum()), len(billed)),
    }


_FROM_LEDGER = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "wasted_tokens",
    "billed_usd",
    "usd_per_1k_calls",
    "usd_per_1k_answers",
    "wasted_usd",
    "usd_by_model",
    "provider_cache_hit_rate",
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The provider's ledger and the subject's own accounting, joined on attempt_id.

    `error_nusd` = billed - accounted. `gross_error_nusd` adds up the differences without their signs, so that
    two mistakes cannot hide each other. A row is unmatched when a request in the ledger belongs to no known
    attempt, or an attempt that was charged has no request in the ledger; an attempt that never reached a
    provider and cost nothing is not expected there. `mismatched_attempts` were found on both sides at
    different prices.
    """

    billed_nusd: int
    accounted_nusd: int
    gross_error_nusd: int
    unmatched_rows: int
    mismatched_attempts: int

    @property
    def error_nusd(self) -> int:
        return self.billed_nusd - self.accounted_nusd


def reconcile(facts: Facts) -> Reconciliation:
    """Compare to the nano-dollar. Requests under one attempt_id are added up first."""
    ledger = facts.ledger
    theirs = ledger.groupby("attempt_id")["cost_nusd"].sum()
    ours = facts.attempts.set_index("attempt_id")["cost_nusd"]
    strangers = ledger[~ledger["attempt_id"].isin(ours.index)]
    absent = ours[~ours.index.isin(theirs.index) & (ours != 0)]
    paired = ours.index.intersection(theirs.index)
    gaps = (theirs[paired] - ours[paired]).abs()
    return Reconciliation(
        billed_nusd=total(ledger, "cost_nusd"),
        accounted_nusd=int(ours.sum()),
        gross_error_nusd=int(gaps.sum()) + total(strangers, "cost_nusd") + int(absent.abs().sum()),
        unmatched_rows=len(strangers) + len(absent),
        mismatched_attempts=int((gaps != 0).sum()),
    )


def usage_unknown_attempts(facts: Facts) -> int:
    """Charged attempts whose usage the provider never told (streams cut or given up): their cost is
    estimated."""
    charged = facts.attempts[facts.attempts["cost_nusd"] > 0]
    return int((~flags(charged, "usage_known")).sum())


def _reconciled(facts: Facts) -> dict[str, Measure]:
    accounted: dict[str, Measure] = {
        "accounted_usd": total(facts.attempts, "cost_nusd") / NANO if facts.attempts_known else None,
        "usage_unknown_attempts": usage_unknown_attempts(facts) if facts.attempts_known else None,
    }
    if not (facts.attempts_known and facts.ledger_known):
        names = (
            "reconciliation_error_usd",
            "reconciliation_gross_error_usd",
            "unmatched_rows",
            "mismatched_attempts",
        )
        return {**accounted, **dict.fromkeys(names)}
    joined = reconcile(facts)
    return {
        **accounted,
        "reconciliation_error_usd": joined.error_nusd / NANO,
        "reconciliation_gross_error_usd": joined.gross_error_nusd / NANO,
        "unmatched_rows": joined.unmatched_rows,
        "mismatched_attempts": joined.mismatched_attempts,
    }
