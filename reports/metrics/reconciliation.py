"""The provider's bill against the subject's own accounting, to the nano-dollar."""

from dataclasses import dataclass

from .basis.facts import NANO, Facts, flags, once_per_facts, total
from .basis.registry import COST, metric


@metric("accounted_usd", label="Accounted by the subject", unit="usd", needs=["attempts"])
def accounted_usd(facts: Facts) -> float:
    """The subject's own account of its spending."""
    return total(facts.attempts, "cost_nusd") / NANO


@metric(
    "reconciliation_error_usd",
    group=COST,
    label="Billed − accounted",
    unit="usd",
    minor=True,
    needs=["attempts", "ledger"],
)
def reconciliation_error_usd(facts: Facts) -> float:
    """The provider's bill minus the subject's own account, exact from integer nano-dollars."""
    return reconcile(facts).error_nusd / NANO


@metric(
    "reconciliation_gross_error_usd",
    label="Sum of differences per attempt",
    unit="usd",
    better="lower",
    needs=["attempts", "ledger"],
)
def reconciliation_gross_error_usd(facts: Facts) -> float:
    """Differences per attempt added up without their signs, so that they cannot cancel out."""
    return reconcile(facts).gross_error_nusd / NANO


@metric(
    "unmatched_rows",
    label="Rows on one side only",
    unit="count",
    better="lower",
    needs=["attempts", "ledger"],
)
def unmatched_rows(facts: Facts) -> int:
    """Requests in the ledger that belong to no known attempt, and charged attempts without such a request."""
    return reconcile(facts).unmatched_rows


@metric(
    "mismatched_attempts",
    label="Attempts priced differently",
    unit="count",
    better="lower",
    needs=["attempts", "ledger"],
)
def mismatched_attempts(facts: Facts) -> int:
    """Attempts found on both sides at different prices."""
    return reconcile(facts).mismatched_attempts


@metric("usage_unknown_attempts", label="Attempts with estimated usage", unit="count", needs=["attempts"])
def usage_unknown_attempts(facts: Facts) -> int:
    """Charged attempts whose stream ended before the provider reported its usage: their cost is estimated."""
    charged = facts.attempts[facts.attempts["cost_nusd"] > 0]
    return int((~flags(charged, "usage_known")).sum())


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The provider's ledger and the subject's own accounting, joined on attempt_id.

    `error_nusd` = billed - accounted. `gross_error_nusd` sums the differences without their signs. A row is
    unmatched when a request in the ledger belongs to no known attempt, or an attempt that was charged has no
    request in the ledger; an attempt that never reached a provider and cost nothing is not expected there.
    `mismatched_attempts` were found on both sides at different prices.
    """

    billed_nusd: int
    accounted_nusd: int
    gross_error_nusd: int
    unmatched_rows: int
    mismatched_attempts: int

    @property
    def error_nusd(self) -> int:
        return self.billed_nusd - self.accounted_nusd


@once_per_facts
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
