"""The metrics of one subject as plain numbers, with their intervals and differences."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..metrics.basis.differences import Difference
from ..metrics.basis.measures import Ends, Plain
from ..record.kinds import ERROR_KINDS
from ..record.manifest import Calibration


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    """One subject of a run.

    `metrics`: None where unmeasured, +inf where unbounded (more calls failed than the percentile leaves out),
    a table of numbers for metrics by kind. `intervals`: (low, high) at 95 % of rates, percentiles and means,
    an end None where the sample does not bound it; `no_interval`: why an estimate has none. `differences`:
    estimates against `baseline`, the run's first subject; empty for that one.
    """

    name: str
    metrics: Mapping[str, Plain]
    intervals: Mapping[str, Ends] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    baseline: str | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    no_interval: Mapping[str, str] = field(default_factory=dict)

    def number(self, metric: str) -> int | float | None:
        """A metric that is a single number; None when unmeasured."""
        value = self.metrics.get(metric)
        return None if isinstance(value, Mapping) else value

    def share(self, metric: str) -> float:
        """A rate of a subject that was sent calls, 0 when unmeasured."""
        return self.number(metric) or 0.0

    @property
    def unbounded(self) -> list[str]:
        """Metrics whose value is +inf."""
        return [
            name for name, value in self.metrics.items() if isinstance(value, float) and math.isinf(value)
        ]


def metric_value(subjects: Mapping[str, SubjectSummary], subject: str, metric: str) -> float | None:
    """A subject's metric as a number: None when unmeasured, `inf` when unbounded.

    `group.key` is one number of a metric by kind ("error_rate_by_kind.timeout_total",
    "provider_share.openai"). A key that the metric lacks is 0 when the run could have counted it, else
    unmeasured, so that a misspelt name never passes a gate.
    """
    if subject not in subjects:
        return None
    group, _, key = metric.partition(".")
    value = subjects[subject].metrics.get(group)
    if isinstance(value, Mapping):
        if key in value:
            return float(value[key])
        return 0.0 if _could_count(subjects, group, key) else None
    return None if value is None or key else float(value)


def _could_count(subjects: Mapping[str, SubjectSummary], group: str, key: str) -> bool:
    if group == "error_rate_by_kind":
        return key in ERROR_KINDS
    tables = (other.metrics.get(group) for other in subjects.values())
    return any(isinstance(table, Mapping) and key in table for table in tables)
