"""The outcome of each call, as its user sees it and pays for it: of all calls, and during each fault.

The last metrics count by fault: they are measured where a run schedules faults one after another.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from reports.record.manifest import Fault
from reports.stats.intervals import Floats

from .basis.facts import Facts, Mask, flags, once_per_facts
from .basis.measures import Rate
from .basis.registry import RELIABILITY, metric
from .basis.sampling import rate, share_right

Window = tuple[float, float]


@metric("whole_rate", group=RELIABILITY, label="Whole answers", unit="share", better="higher", minor=True)
def whole_rate(facts: Facts) -> Rate:
    """Calls that succeeded, their answer not judged wrong, of calls sent."""
    return rate(facts, whole(facts))


@metric("wrong_rate", group=RELIABILITY, label="Wrong answers", unit="share", better="lower", minor=True)
def wrong_rate(facts: Facts) -> Rate:
    """Calls that succeeded with an answer that does not hold the expected one, of calls sent."""
    return share_right(facts, wrong(facts), np.ones(len(facts.calls), dtype=bool))


@metric("lost_rate", group=RELIABILITY, label="Lost calls", unit="share", better="lower", minor=True)
def lost_rate(facts: Facts) -> Rate:
    """Calls without an answer: failed, refused, empty or filtered, of calls sent."""
    return rate(facts, ~facts.success)


@metric(
    "paid_twice_rate",
    group=RELIABILITY,
    label="Paid twice",
    unit="share",
    better="lower",
    minor=True,
    needs=["ledger"],
)
def paid_twice_rate(facts: Facts) -> Rate:
    """Calls for which more than one request was billed, of calls sent. Requests without a call's id are taken
    together by their prompt: a client that repeats a request sends the same one.
    """
    return Rate(len(paid_twice_s(facts)), len(facts.calls))


@metric("whole_by_fault", label="Whole answers by fault", unit="count")
def whole_by_fault(facts: Facts) -> dict[str, int] | None:
    """Whole answers to calls planned while each fault was active."""
    return _by_fault(facts, whole(facts))


@metric("wrong_by_fault", label="Wrong answers by fault", unit="count")
def wrong_by_fault(facts: Facts) -> dict[str, int] | None:
    """Wrong answers to calls planned while each fault was active."""
    return _by_fault(facts, wrong(facts))


@metric("lost_by_fault", label="Lost calls by fault", unit="count")
def lost_by_fault(facts: Facts) -> dict[str, int] | None:
    """Calls planned while each fault was active that got no answer."""
    return _by_fault(facts, ~facts.success)


@metric("paid_twice_by_fault", label="Paid twice by fault", unit="count", needs=["ledger"])
def paid_twice_by_fault(facts: Facts) -> dict[str, int] | None:
    """Calls that were billed more than once, the first time while each fault was active."""
    windows = fault_windows(facts.manifest.faults)
    if windows is None:
        return None
    times_s: Floats = np.asarray(paid_twice_s(facts), dtype=np.float64)
    return {label: int(_within(times_s, of).sum()) for label, of in windows.items()}


def whole(facts: Facts) -> Mask:
    """Calls that succeeded and are not judged wrong."""
    return np.asarray(facts.success & ~wrong(facts), dtype=bool)


def wrong(facts: Facts) -> Mask:
    """Calls that succeeded and are judged wrong."""
    judged = facts.calls["answer_right"].notna().to_numpy(dtype=bool)
    return np.asarray(facts.success & judged & ~flags(facts.calls, "answer_right"), dtype=bool)


@once_per_facts
def paid_twice_s(facts: Facts) -> "pd.Series[float]":
    """When the first billed request of each call that was billed more than once was received."""
    billed = facts.ledger[facts.ledger["cost_nusd"] > 0]
    call = billed["attempt_id"].astype("string").str.rsplit("/", n=1).str[0].fillna(billed["prompt_digest"])
    times_s = billed.groupby(call)["received_s"].agg(["size", "min"])
    first_s: pd.Series[float] = times_s.loc[times_s["size"] > 1, "min"]
    return first_s


def fault_windows(faults: Iterable[Fault]) -> dict[str, list[Window]] | None:
    """The windows of faults that are scheduled one after another, by their names; None where there are fewer
    than two, one has no end, or two overlap. Faults of one window have one name, and one name may have
    several windows.
    """
    names: dict[Window, list[str]] = {}
    for fault in faults:
        if fault.to_s is None:
            return None
        of_window = names.setdefault((fault.from_s, fault.to_s), [])
        if (name := fault_name(fault)) not in of_window:
            of_window.append(name)
    windows = sorted(names)
    overlap = any(after[0] < before[1] for before, after in pairwise(windows))
    if len(windows) < 2 or overlap:
        return None
    named: dict[str, list[Window]] = {}
    for window in windows:
        named.setdefault(" + ".join(names[window]), []).append(window)
    return named


def fault_name(fault: Fault) -> str:
    """The fault's kind, with its variant or its status where it has one."""
    extra = fault.model_extra or {}
    variant, status = extra.get("variant"), extra.get("status")
    words = [fault.kind, "" if variant in (None, "plain") else variant, "" if status is None else status]
    if extra.get("sent_status") is not None:
        words.append(f"as {extra['sent_status']}")
    return " ".join(str(word) for word in words if word != "")


def _by_fault(facts: Facts, chosen: Mask) -> dict[str, int] | None:
    windows = fault_windows(facts.manifest.faults)
    if windows is None:
        return None
    return {label: int((chosen & _within(facts.planned_s, of)).sum()) for label, of in windows.items()}


def _within(times_s: Floats, windows: Iterable[Window]) -> Mask:
    inside = np.zeros(len(times_s), dtype=bool)
    for begins_s, ends_s in windows:
        inside |= (times_s >= begins_s) & (times_s < ends_s)
    return inside
