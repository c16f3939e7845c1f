"""From a run's raw facts to one subject's numbers: pure functions, the formula in each docstring."""

from .answers import answers
from .attempts import attempts
from .facts import Facts, MetricOptions, facts_of
from .latency import latency
from .load import load
from .measures import Measure, Quantile, Rate, bounds, plain
from .money import money
from .providers import providers
from .recovery import recovery
from .reliability import error_counts, reliability
from .routing import routing

__all__ = [
    "Facts",
    "Measure",
    "MetricOptions",
    "Quantile",
    "Rate",
    "bounds",
    "error_counts",
    "facts_of",
    "plain",
    "subject_metrics",
]


def subject_metrics(facts: Facts) -> dict[str, Measure]:
    """Every metric of a subject, by name; None (or a measure of nothing) is what nobody measured.

    `registry` says of each name its unit, its meaning and which way is better.
    """
    return {
        **reliability(facts),
        **recovery(facts),
        **latency(facts),
        **attempts(facts),
        **providers(facts),
        **money(facts),
        **answers(facts),
        **routing(facts),
        **load(facts),
    }
