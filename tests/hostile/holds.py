"""The promises of a run's record, whatever happened to the run."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from reports.analysis.analyse import summarise
from reports.analysis.summary import Summary
from reports.record.kinds import BROKEN, CALL_OUTCOMES, ENDED, UNDER_WAY, UNSENT
from reports.record.run import Run, read_run


def violations(folder: Path, *, judged: bool = True) -> list[str]:
    """Each promise that the run directory `folder` breaks, with its subject. `judged`: its verdict, too."""
    run = read_run(folder)
    found = list(_of_the_whole(run, summarise(run))) if judged else []
    for subject in run.manifest.subjects:
        calls, attempts, ledger = (
            frame[frame["subject"] == subject.name] for frame in (run.calls, run.attempts, run.ledger)
        )
        of_subject = [
            *_rows(calls, subject.planned),
            *_times(calls),
            *_same_calls(calls, attempts, ledger),
            *_same_money(calls, attempts, ledger),
        ]
        found += [f"{subject.name}: {each}" for each in of_subject]
    return found


def _of_the_whole(run: Run, summary: Summary) -> Iterator[str]:
    verdict = summary.validity.verdict
    if run.calls["outcome"].isin(BROKEN).any() and verdict != "INVALID":
        yield f"{verdict} with calls that the measurement lost"
    if run.manifest.status == "broken" and verdict != "INVALID":
        yield f"{verdict} though the run is broken"
    if verdict == "INVALID" and any(claim.verdict != "not judged" for claim in summary.claims):
        yield "a claim of an INVALID run is judged"
    if verdict != "VALID" and not summary.validity.reasons:
        yield f"{verdict} without a reason"


def _rows(calls: pd.DataFrame, planned: int | None) -> Iterator[str]:
    if len(calls) != planned:
        yield f"{planned} calls planned, {len(calls)} recorded"
    if sorted(calls["n"]) != list(range(len(calls))):
        yield "the rows are not those of the calls 0, 1, 2, …"
    if not calls["outcome"].isin(CALL_OUTCOMES).all():
        yield "an outcome is none of the vocabulary's"


def _times(calls: pd.DataFrame) -> Iterator[str]:
    sent = calls[calls["outcome"].isin((*ENDED, *UNDER_WAY))]
    if sent["started_s"].isna().any() or sent["end_s"].isna().any():
        yield "a call that was sent has no start or no end"
    if (sent["end_s"] < sent["started_s"]).any():
        yield "a call ended before it began"
    if calls[calls["outcome"].isin(UNSENT)]["started_s"].notna().any():
        yield "a call that was not sent has a start"


def _same_calls(calls: pd.DataFrame, attempts: pd.DataFrame, ledger: pd.DataFrame) -> Iterator[str]:
    """Attempts and bills are of planned calls, and each call counts its own attempts."""
    for name, ids in (("attempts", attempts["call_id"]), ("bills", _call_of(ledger))):
        strays = set(ids) - set(calls["call_id"])
        if strays:
            yield f"{name} of calls that were not planned: {sorted(strays)[:3]}"
    known = calls[calls["attempts"].notna()].set_index("call_id")["attempts"].astype(int)
    counted = attempts.groupby("call_id").size().reindex(known.index, fill_value=0)
    if (wrong := known[known != counted]).size:
        yield f"attempts of {wrong.index[0]}: {wrong.iloc[0]} in its row, {counted[wrong.index[0]]} rows"
    billed = ledger[ledger["attempt_id"].notna() & _call_of(ledger).isin(known.index)]
    unknown = set(billed["attempt_id"]) - set(attempts["attempt_id"])
    if unknown:
        yield f"bills of attempts that no call made: {sorted(unknown)[:3]}"


def _same_money(calls: pd.DataFrame, attempts: pd.DataFrame, ledger: pd.DataFrame) -> Iterator[str]:
    """A call's cost is that of its attempts; a whole reply costs what the provider billed."""
    known = calls[calls["cost_nusd"].notna()].set_index("call_id")["cost_nusd"].astype(int)
    paid = attempts.groupby("call_id")["cost_nusd"].sum().reindex(known.index, fill_value=0).astype(int)
    if (wrong := known[known != paid]).size:
        yield f"cost of {wrong.index[0]}: {wrong.iloc[0]} in its row, {paid[wrong.index[0]]} of its attempts"
    billed = ledger.groupby("attempt_id")[
        "cost_nusd"
    ].sum()  # one that was sent again after a closed connection
    whole = attempts[attempts["usage_known"] & (attempts["outcome"] == "success")]
    both = whole[whole["attempt_id"].isin(billed.index)].set_index("attempt_id")["cost_nusd"]
    if (wrong := both[both != billed.reindex(both.index)]).size:
        yield f"{wrong.index[0]} was billed {billed[wrong.index[0]]}, and accounted {wrong.iloc[0]}"


def _call_of(ledger: pd.DataFrame) -> "pd.Series[str]":
    return ledger["attempt_id"].dropna().astype(str).str.rsplit("/", n=1).str[0]
