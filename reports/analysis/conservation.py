"""Conservation: every planned call is one recorded row with one outcome, and nothing else is recorded.

Counted over the whole run, warm-up included, from the record alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ..record.kinds import BROKEN, ENDED, OUTCOME_LABELS
from ..record.manifest import Subject
from ..record.planned import recorded_plan_sha256
from ..record.run import Run


@dataclass(frozen=True, slots=True)
class Conservation:
    """One subject's planned and recorded calls.

    `planned`: None for a run that does not know it (schema version 1). `outcomes`: rows by outcome.
    `same_plan`: the rows are those of the plan; None for a run without its digest. `strays`: attempts and
    bills of calls that have no row. `without_facts`: ended calls whose attempts the subject did not report,
    though it reports those of other calls.
    """

    planned: int | None
    recorded: int
    outcomes: Mapping[str, int]
    same_plan: bool | None
    strays: int
    without_facts: int

    def problems(self) -> Iterator[str]:
        """Each thing that is not conserved, with its number."""
        if self.planned is None:
            return
        if self.recorded != self.planned:
            gap = self.planned - self.recorded
            what = f"{gap} have no row" if gap > 0 else f"{-gap} are too many"
            yield f"{self.recorded} calls are recorded, {self.planned} were planned: {what}"
        elif self.same_plan is False:
            yield "the recorded calls are not those of the plan"
        for outcome in BROKEN:
            if count := self.outcomes.get(outcome, 0):
                yield f"{count} of {self.planned} planned calls: {OUTCOME_LABELS[outcome]}"
        if self.strays:
            yield f"{self.strays} attempts or bills belong to calls that were not planned"
        if self.without_facts:
            yield f"the subject's own facts of {self.without_facts} calls are lost"


def conservation(run: Run) -> dict[str, Conservation]:
    """Each subject's planned and recorded calls, in the manifest's order."""
    return {subject.name: _of(run, subject) for subject in run.manifest.subjects}


def _of(run: Run, subject: Subject) -> Conservation:
    calls, attempts, ledger = (
        frame[frame["subject"] == subject.name] for frame in (run.calls, run.attempts, run.ledger)
    )
    digest = subject.plan_sha256
    ended = calls[calls["outcome"].isin(ENDED)]
    return Conservation(
        planned=subject.planned,
        recorded=len(calls),
        outcomes={str(name): int(n) for name, n in calls["outcome"].value_counts().items()},
        same_plan=None if digest is None else recorded_plan_sha256(calls) == digest,
        strays=_strays(calls, attempts["call_id"]) + _strays(calls, _named(ledger)),
        without_facts=int(ended["attempts"].isna().sum()) if len(attempts) else 0,
    )


def _named(ledger: pd.DataFrame) -> "pd.Series[str]":
    """The calls that requests name; those of a client of the user's own name none."""
    return ledger["attempt_id"].dropna().astype(str).str.rsplit("/", n=1).str[0]


def _strays(calls: pd.DataFrame, call_ids: "pd.Series[str]") -> int:
    return int((~call_ids.isin(calls["call_id"])).sum())
