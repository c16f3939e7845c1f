"""One subject's metrics from a run's raw facts: pure functions, each registered where it is defined.

Every module of this package is loaded here, so that its metrics are registered.
"""

from importlib import import_module
from pkgutil import iter_modules

from .basis.facts import Facts, MetricOptions, facts_of
from .basis.measures import Measure, Plain, Quantile, Rate, bounds, plain
from .basis.registry import (
    METRICS,
    Group,
    Metric,
    catalogue,
    metric,
    percentiles,
    relative_metric,
    subject_metrics,
)

__all__ = [
    "METRICS",
    "Facts",
    "Group",
    "Measure",
    "Metric",
    "MetricOptions",
    "Plain",
    "Quantile",
    "Rate",
    "bounds",
    "catalogue",
    "facts_of",
    "metric",
    "percentiles",
    "plain",
    "relative_metric",
    "subject_metrics",
]

for _module in sorted(iter_modules(__path__), key=lambda module: module.name):
    import_module(f"{__name__}.{_module.name}")
