"""One subject's share of a run, cut to the measured window: the input of its metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.record.kinds import ANSWERED_WITHOUT_ATTEMPT, AUXILIARY_KINDS, ENDED, UNDER_WAY
from reports.record.manifest import Manifest
from reports.record.run import Run
from reports.stats.intervals import Floats

Mask = npt.NDArray[np.bool_]
Value = TypeVar("Value")

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MetricOptions:
    """Thresholds that metrics depend on."""

    stall_s: float = 1.0
    """A gap between two contents longer than this is a stall."""
    late_s: float = 0.1
    """A call sent later than this after its planned start is a late start."""
    recovery_within: float = 0.1
    """A success rate less than this below its level before the fault is back at it."""


@dataclass(frozen=True, eq=False)
class Facts:
    """A subject's calls planned after the warm-up that ended, with their attempts and ledger rows.

    `calls` holds the calls that the subject ended (`record.kinds.ENDED`); attempts and bills are theirs, so
    that numerators and denominators speak of the same calls. `recorded` holds all planned calls: also those
    that the harness cut, that were under way or not started when the run stopped, that were dropped or lost.
    """

    subject: str
    manifest: Manifest
    calls: pd.DataFrame
    recorded: pd.DataFrame
    question_of: "pd.Series[str]"
    """The question that each call of the subject asked, warm-up included, by call id."""
    unended_ledger: pd.DataFrame
    """Bills of calls that were sent and did not end."""
    attempts: pd.DataFrame
    ledger: pd.DataFrame
    ledger_kept: bool
    """Whether the run has a ledger, so that no rows means nothing was billed."""
    options: MetricOptions = MetricOptions()

    @cached_property
    def dropped_s(self) -> Floats:
        """Planned starts of the calls that the load generator dropped."""
        return floats(self.recorded[self.recorded["outcome"] == "dropped"], "planned_s")

    @property
    def dropped(self) -> int:
        return len(self.dropped_s)

    @property
    def planned(self) -> int:
        """Planned calls, whatever became of them."""
        return len(self.recorded)

    @cached_property
    def sent_calls(self) -> pd.DataFrame:
        """Calls that were sent, whether or not they ended."""
        return self.recorded[self.recorded["started_s"].notna()]

    @cached_property
    def under_way(self) -> pd.DataFrame:
        """Calls that were sent and had not ended when the harness cut them or the run stopped."""
        return self.recorded[self.recorded["outcome"].isin(UNDER_WAY)]

    @property
    def billed_calls(self) -> int:
        """Calls that the ledger's rows belong to: those that ended, or all that were sent when its requests
        do not name their calls (a client of the user's own)."""
        unnamed = len(self.ledger) > 0 and not self.attempts_known
        return len(self.sent_calls if unnamed else self.calls)

    @cached_property
    def success(self) -> Mask:
        """Calls that ended in a complete answer: not in a failure, not empty or filtered, not cut at the
        token limit."""
        return np.asarray(
            (self.calls["outcome"] == "success").to_numpy(dtype=bool) & ~self.at_token_limit, dtype=bool
        )

    @cached_property
    def at_token_limit(self) -> Mask:
        """Calls whose answer ended at the token limit (finish reason `length`)."""
        return (self.calls["finish_reason"] == "length").to_numpy(dtype=bool, na_value=False)

    @cached_property
    def live(self) -> Mask:
        """Streamed calls whose contents came as a provider sent them: not replayed from a cache, not shared
        with a call under way, not held back by the stack."""
        shared = self.calls["cache"].isin(ANSWERED_WITHOUT_ATTEMPT).to_numpy(dtype=bool)
        held = self.calls["held_s"].notna().to_numpy(dtype=bool)
        return np.asarray(flags(self.calls, "stream") & ~shared & ~held, dtype=bool)

    @cached_property
    def ttft_s(self) -> Floats:
        """First content at the client - planned start, per call; the whole reply is a call's first content
        when it was not streamed."""
        first = floats(self.calls, "first_s")
        whole = ~flags(self.calls, "stream") & np.isnan(first)
        return np.where(whole, floats(self.calls, "end_s"), first) - self.planned_s

    @cached_property
    def e2e_s(self) -> Floats:
        """End of the reply - planned start, per call."""
        return floats(self.calls, "end_s") - self.planned_s

    @cached_property
    def planned_s(self) -> Floats:
        return floats(self.calls, "planned_s")

    @cached_property
    def sent(self) -> pd.DataFrame:
        """Attempts at an answer that went out to a provider, without those that the stack refused before
        sending and without auxiliary requests."""
        return self.attempts[(self.attempts["outcome"] != "rejected") & ~self._is_auxiliary]

    @cached_property
    def attempts_known(self) -> bool:
        """Whether the subject reports its attempts: rows exist, or it reports 0 for every call (null: it does
        not report any)."""
        counts = self.calls["attempts"]
        return len(self.attempts) > 0 or (len(counts) > 0 and bool(counts.eq(0).fillna(False).all()))

    @cached_property
    def ledger_known(self) -> bool:
        """Whether the bill is known: the run has a ledger, or no call needed a provider."""
        return self.ledger_kept or (self.attempts_known and len(self.sent) == 0 and len(self.calls) > 0)

    @cached_property
    def answering(self) -> pd.DataFrame:
        """The attempt that answered, for each call whose reply ended well: its last successful one that is
        not auxiliary."""
        answered = self.calls.loc[self.calls["outcome"] == "success", "call_id"]
        good = (self.attempts["outcome"] == "success") & self.attempts["call_id"].isin(answered)
        return (
            self.attempts[good & ~self._is_auxiliary]
            .sort_values(["call_id", "n"])
            .drop_duplicates("call_id", keep="last")
        )

    @property
    def auxiliary(self) -> pd.DataFrame:
        """Successful attempts at something else than an answer, such as a summary."""
        return self.attempts[(self.attempts["outcome"] == "success") & self._is_auxiliary]

    @cached_property
    def _is_auxiliary(self) -> "pd.Series[bool]":
        return self.attempts["kind"].isin(AUXILIARY_KINDS)

    @cached_property
    def during_faults(self) -> Mask | None:
        """Calls planned while at least one scheduled fault was active; None without faults."""
        windows = [(fault.from_s, fault.to_s) for fault in self.manifest.faults]
        if not windows:
            return None
        inside = np.zeros(len(self.calls), dtype=bool)
        for start, end in windows:
            inside |= (self.planned_s >= start) & (self.planned_s < (np.inf if end is None else end))
        return inside

    @property
    def fault_span_s(self) -> tuple[float, float] | None:
        """From the first scheduled fault's beginning to the last one's end; None without faults, and when one
        of them never ends."""
        faults = self.manifest.faults
        ends_s = [fault.to_s for fault in faults if fault.to_s is not None]
        if not faults or len(ends_s) < len(faults):
            return None
        return min(fault.from_s for fault in faults), max(ends_s)

    @property
    def window_s(self) -> float | None:
        """Length of the measured window: the run's duration without its warm-up; for a partial run, or one
        that does not state its duration, up to the last planned start."""
        end = self.manifest.duration_s
        if end is None or self.manifest.status == "partial":
            end = float(self.planned_s.max()) if len(self.calls) else 0.0
        window = float(end) - self.manifest.warmup_s
        return window if window > 0 else None

    def has(self, *records: str) -> bool:
        """Whether the subject has all of these records: "attempts", "ledger"."""
        known = {"attempts": self.attempts_known, "ledger": self.ledger_known}
        return all(known[record] for record in records)


def facts_of(run: Run, subject: str, options: MetricOptions | None = None) -> Facts:
    """Cut a run down to one subject and to what was planned after the warm-up."""
    every = run.calls[run.calls["subject"] == subject]
    attempts = run.attempts[run.attempts["subject"] == subject]
    ledger = run.ledger[run.ledger["subject"] == subject]
    warmup_s = run.manifest.warmup_s
    warm = (every["planned_s"] < warmup_s) & (warmup_s > 0)
    ended = every["outcome"].isin(ENDED) & every["started_s"].notna()
    calls, others = every[ended & ~warm], every[~ended & ~warm]
    left_out = set(every.loc[~ended | warm, "call_id"])
    call_id = _calls_of(ledger)
    unknown = ~call_id.isin(every["call_id"])
    if run.manifest.planned.get(subject) is None and run.manifest.status != "complete":
        left_out |= set(attempts["call_id"]) - set(calls["call_id"])  # version 1 kept no rows of open calls
        left_out |= set(call_id.dropna()) - set(calls["call_id"])
    early = unknown & (ledger["received_s"] < warmup_s)
    return Facts(
        subject,
        run.manifest,
        calls.reset_index(drop=True),
        every[~warm].reset_index(drop=True),
        every.set_index("call_id")["question_id"],
        ledger[call_id.isin(others["call_id"])].reset_index(drop=True),
        attempts[~attempts["call_id"].isin(left_out)].reset_index(drop=True),
        ledger[~(call_id.isin(left_out) | early)].reset_index(drop=True),
        ledger_kept=len(run.ledger) > 0,
        options=options or MetricOptions(),
    )


def _calls_of(ledger: pd.DataFrame) -> "pd.Series[str]":
    """The call that each request was made for; null where the request does not say."""
    return ledger["attempt_id"].astype("string").str.rsplit("/", n=1).str[0]


def once_per_facts(compute: Callable[[Facts], Value]) -> Callable[[Facts], Value]:
    """Keep the result of `compute` as long as its facts live: several metrics share it."""
    results: WeakKeyDictionary[Facts, Value] = WeakKeyDictionary()

    @wraps(compute)
    def computed(facts: Facts) -> Value:
        if facts not in results:
            results[facts] = compute(facts)
        return results[facts]

    return computed


def floats(frame: pd.DataFrame, column: str) -> Floats:
    """A column as floats, NaN for null."""
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def flags(frame: pd.DataFrame, column: str) -> Mask:
    """A column as booleans, False for null."""
    return frame[column].to_numpy(dtype=bool, na_value=False)


def total(frame: pd.DataFrame, column: str) -> int:
    """The exact sum of an integer column."""
    return int(frame[column].sum())
