"""The table of outcomes by fault, for runs whose faults come one after another."""

from collections.abc import Mapping

from ..analysis.summary import Summary
from .sections import Line

COUNTED = ("whole_by_fault", "wrong_by_fault", "lost_by_fault", "paid_twice_by_fault")
LEGEND = "whole/wrong/lost/paid twice"


def by_fault_lines(summary: Summary) -> list[Line]:
    """A line for each fault and one for all, a cell for each subject: "14/0/2/0", as LEGEND says.

    What was not measured is "-". No lines for a run whose faults overlap or have no end.
    """
    counts = [[_counts(summary, name, metric) for metric in COUNTED] for name in summary.names]
    faults = list(next((of[0] for of in counts if of[0]), ()))
    if not faults:
        return []
    lines = [Line(fault, tuple(_cell([each.get(fault) for each in of]) for of in counts)) for fault in faults]
    sums = (_cell([sum(each.values()) if each else None for each in of]) for of in counts)
    return [*lines, Line("all of them", tuple(sums))]


def _counts(summary: Summary, subject: str, metric: str) -> Mapping[str, float]:
    counts = summary.subjects[subject].metrics.get(metric)
    return counts if isinstance(counts, Mapping) else {}


def _cell(counts: list[float | None]) -> str:
    return "/".join("-" if count is None else f"{count:g}" for count in counts)
