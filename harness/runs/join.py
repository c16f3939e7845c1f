"""Joins the rows of client, stack and providers into the rows of the run record.

The client's rows are a user's view; the stack's facts are its actions and its own accounting. They are joined
by call id; times of the stack become seconds since the subject's t = 0.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from reports.record.kinds import AUXILIARY_KINDS
from reports.record.schema import ADDED

from ..load.plan import PlannedCall
from ..load.recorder import unsent_row
from ..stack.batch.ids import attempt_id
from ..world.world import Measured, Row

TIMES = ("started_s", "sign_s", "first_s", "end_s")
NOT_RECORDED = (
    "sent",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "price_known",
)
"""Fields of the stack's attempts that the record has no column for."""
OF_THE_CLIENT = ("session", "exception")
"""Columns added to the record that the client's rows hold, not the stack's facts."""


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """One subject's rows, ready for the record."""

    calls: list[Row]
    attempts: list[Row]
    ledger: list[Row]


def join(subject: str, measured: Measured) -> SubjectRows:
    """The joined rows of one subject. Attempts of calls that never finished are kept: they cost money.

    Modifies the rows of `measured` in place: a day has a quarter of a million of them.
    """
    for row in measured.ledger:
        row["subject"] = subject
        if row.get("batch_id") is not None and row["attempt_id"] is not None:
            row["attempt_id"] = attempt_id(row["attempt_id"])
    billed = {str(row.get("attempt_id")).rpartition("/")[0] for row in measured.ledger}
    facts_of = {fact["call_id"]: fact for fact in measured.facts}
    for row in measured.client:
        row["subject"] = subject
        row |= _call_facts(row, facts_of.get(row["call_id"]), measured.reports_facts, billed)
    measured.client.sort(key=lambda row: row["n"])
    measured.facts.sort(key=lambda fact: str(fact["call_id"]))
    attempts = [attempt for fact in measured.facts for attempt in fact["attempts"]]
    for attempt in attempts:
        _finish_attempt(attempt, subject, measured.t0_s)
    return SubjectRows(measured.client, attempts, measured.ledger)


def complete(plan: Sequence[PlannedCall], measured: Measured) -> None:
    """Add a row for each planned call without one: the run stopped before it began, or its row is lost."""
    recorded = {row["n"] for row in measured.client}
    for call in plan:
        if call.n not in recorded:
            waiting = measured.started is not None and call.n >= measured.started
            measured.client.append(unsent_row(call, "unstarted" if waiting else "lost"))


def _call_facts(row: Row, fact: Row | None, reports_facts: bool, billed: Set[str]) -> Row:
    """The stack's columns of a call: 0 attempts when it has no facts, null when the subject keeps none, and
    when it lost those of a call that it answered or that a provider was asked for."""
    if fact is None:
        lost = row.get("status") is not None or row["call_id"] in billed
        none = 0 if reports_facts and not lost else None
        return {"provider": None, "model": None, "cache": "off", "attempts": none, "cost_nusd": none}
    answered = [attempt for attempt in fact["attempts"] if _answered(attempt)]
    return {
        "provider": answered[-1]["provider"] if answered else None,
        "model": answered[-1]["model"] if answered else None,
        "cache": fact["cache"],
        "attempts": len(fact["attempts"]),
        "cost_nusd": fact["cost_nusd"],
        **{name: fact.get(name) for name in ADDED["calls"] if name not in OF_THE_CLIENT},
    }


def _answered(attempt: Row) -> bool:
    return bool(attempt["outcome"] == "success" and attempt["kind"] not in AUXILIARY_KINDS)


def _finish_attempt(attempt: Row, subject: str, t0_s: float) -> None:
    """The attempt as a row of the record; its first sign of life is recorded if the model reasoned."""
    attempt["subject"] = subject
    attempt["attempt_id"] = f"{attempt['call_id']}/{attempt['n']}"
    for name in NOT_RECORDED:
        attempt.pop(name, None)
    if not attempt.get("reasoning_tokens"):
        attempt["reasoning_tokens"] = attempt["sign_s"] = None
    for name in TIMES:
        if attempt[name] is not None:
            attempt[name] -= t0_s
