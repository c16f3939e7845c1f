"""From what client, stack and provider each wrote down to the rows of the run record.

The client's rows say what a user saw, the stack's facts what it did and what it thinks that cost. They meet
by call id; moments of the stack are moved to seconds since the subject's t = 0.
"""

from dataclasses import dataclass

from .world.world import Measured, Row

MOMENTS = ("started_s", "first_s", "end_s")


@dataclass(frozen=True, slots=True)
class Collected:
    """One subject's rows, ready for the record."""

    calls: list[Row]
    attempts: list[Row]
    ledger: list[Row]


def collect(subject: str, measured: Measured) -> Collected:
    """Join what belongs together. Attempts of calls that never finished are kept: they cost money."""
    facts_of = {fact["call_id"]: fact for fact in measured.facts}
    return Collected(
        calls=[
            {"subject": subject, **row, **_call_facts(facts_of.get(row["call_id"]), measured.tells)}
            for row in sorted(measured.client, key=lambda row: row["n"])
        ],
        attempts=[
            {"subject": subject, **_attempt_row(attempt, measured.t0_s)}
            for fact in sorted(measured.facts, key=lambda fact: str(fact["call_id"]))
            for attempt in fact["attempts"]
        ],
        ledger=[{"subject": subject, **row} for row in measured.ledger],
    )


def _call_facts(fact: Row | None, tells: bool) -> Row:
    """What the subject knows of a call: no attempts, when it never got there; null, when it never tells."""
    if fact is None:
        none = 0 if tells else None
        return {"provider": None, "model": None, "cache": "off", "attempts": none, "cost_nusd": none}
    answered = [attempt for attempt in fact["attempts"] if attempt["outcome"] == "success"]
    return {
        "provider": answered[-1]["provider"] if answered else None,
        "model": answered[-1]["model"] if answered else None,
        "cache": fact["cache"],
        "attempts": len(fact["attempts"]),
        "cost_nusd": fact["cost_nusd"],
    }


def _attempt_row(attempt: Row, t0_s: float) -> Row:
    row = {key: value for key, value in attempt.items() if key != "sent"}
    row["attempt_id"] = f"{attempt['call_id']}/{attempt['n']}"
    for moment in MOMENTS:
        row[moment] = None if attempt[moment] is None else attempt[moment] - t0_s
    return row
