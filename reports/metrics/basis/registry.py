"""The registry of metrics: each is defined once, beside the function that computes it.

    @metric("success_rate", group=RELIABILITY, label="Success", unit="share", better="higher")
    def success_rate(facts: Facts) -> Rate:
        \"\"\"Calls that ended in a complete answer, of calls sent.\"\"\"

The docstring is the definition that users read. Importing `reports.metrics` loads every module of that
package, so a new metric, or a new module of metrics, is one file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from reports.stats.intervals import Floats

from .facts import Facts, once_per_facts
from .measures import Measure, Quantile
from .sampling import quantile

Unit = Literal["share", "s", "usd", "count", "per_s", "ratio"]
Better = Literal["higher", "lower", None]
Source = Literal["attempts", "ledger"]

RELIABILITY = "Reliability"
LATENCY = "Latency from planned start"
STACK = "What the stack did"
COST = "Cost (the provider's ledger)"
ANSWERS = "Caches and answers"
ROUTING = "Routing"
LOAD = "Load"
GROUPS = (RELIABILITY, LATENCY, STACK, COST, ANSWERS, ROUTING, LOAD)
"""Groups in the table's order; a group with another title follows them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as users see it.

    `group` None: in `summary.json` but in no table of results. `better` None: neither direction is good as
    such. `minor`: only in the table of all metrics. `in_verdict`: compared in the verdict. `after`: the
    metric of the group that it follows in the table; None: in order of definition.
    """

    name: str
    label: str
    unit: Unit
    better: Better
    definition: str
    group: str | None = None
    minor: bool = False
    in_verdict: bool = False
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    metrics: tuple[Metric, ...]


METRICS: dict[str, Metric] = {}
"""Every metric by name."""

_Compute = Callable[[Facts, Sequence[Facts]], Measure]
_COMPUTE: dict[str, _Compute] = {}

OfFacts = TypeVar("OfFacts", bound=Callable[[Facts], Measure])
OfSubjects = TypeVar("OfSubjects", bound=Callable[[Facts, Sequence[Facts]], Measure])
Sample = TypeVar("Sample", bound=Callable[[Facts], Floats])


def metric(
    name: str,
    *,
    unit: Unit,
    label: str = "",
    group: str | None = None,
    better: Better = None,
    minor: bool = False,
    in_verdict: bool = False,
    after: str | None = None,
    needs: Sequence[Source] = (),
) -> Callable[[OfFacts], OfFacts]:
    """Register a function of one subject's facts.

    It returns a rate, a quantile, a number, a table of numbers by kind, or None where nothing was measured.
    `needs`: the metric is None for a subject without these records.
    """

    def register(compute: OfFacts) -> OfFacts:
        known = Metric(
            name, label or name, unit, better, _definition(compute), group, minor, in_verdict, after
        )
        _register(known, lambda facts, _: compute(facts) if facts.has(*needs) else None)
        return compute

    return register


def relative_metric(
    name: str, *, unit: Unit, label: str, group: str, better: Better = None
) -> Callable[[OfSubjects], OfSubjects]:
    """Register a function of one subject's facts and those of all subjects of the run."""

    def register(compute: OfSubjects) -> OfSubjects:
        _register(Metric(name, label, unit, better, _definition(compute), group), compute)
        return compute

    return register


def percentiles(
    name: str,
    *at: int,
    label: str,
    group: str,
    minor: Sequence[int] = (),
    in_verdict: Sequence[int] = (),
    needs: Sequence[Source] = (),
) -> Callable[[Sample], Sample]:
    """Register `{name}_p{p}` for each p of `at`: percentiles of the sample, in seconds, lower is better.

    The sample may hold NaN (left out) and +inf (never answered). One with a value for each call of the facts,
    in their order, gets an interval that knows which calls belong together; any other counts as independent.
    """

    def register(sample: Sample) -> Sample:
        values = once_per_facts(sample)
        for p in at:
            definition = f"{_definition(sample)} {'Median' if p == 50 else f'{p}th percentile'}."
            known = Metric(
                f"{name}_p{p}", f"{label} p{p}", "s", "lower", definition, group, p in minor, p in in_verdict
            )
            _register(known, _quantile(values, p / 100, needs))
        return sample

    return register


def catalogue() -> tuple[Group, ...]:
    """The metrics of the table of results, in its order."""
    groups: dict[str, list[Metric]] = {title: [] for title in GROUPS}
    tabled = [known for known in METRICS.values() if known.group is not None]
    for known in sorted(tabled, key=lambda known: known.after is not None):
        members = groups.setdefault(str(known.group), [])
        names = [member.name for member in members]
        members.insert(names.index(known.after) + 1 if known.after in names else len(names), known)
    return tuple(Group(title, tuple(members)) for title, members in groups.items() if members)


def subject_metrics(facts: Facts, subjects: Sequence[Facts] = ()) -> dict[str, Measure]:
    """Every metric of a subject by name, those of the table first; None: unmeasured.

    `subjects` are all subjects of the run; without them the relative metrics are None.
    """
    tabled = [known.name for group in catalogue() for known in group.metrics]
    names = dict.fromkeys((*tabled, *METRICS))
    return {name: _COMPUTE[name](facts, subjects) for name in names}


def one_metric(name: str, facts: Facts, subjects: Sequence[Facts] = ()) -> Measure:
    """One metric of a subject. Raises KeyError for a name that is not registered."""
    return _COMPUTE[name](facts, subjects)


def _register(known: Metric, compute: _Compute) -> None:
    if known.name in METRICS:
        raise ValueError(f"metric {known.name!r} is registered twice")
    METRICS[known.name] = known
    _COMPUTE[known.name] = compute


def _definition(compute: Callable[..., object]) -> str:
    definition = " ".join((compute.__doc__ or "").split())
    if not definition:
        raise ValueError(f"{compute.__name__}: the docstring is the metric's definition, expected one")
    return definition


def _quantile(values: Callable[[Facts], Floats], q: float, needs: Sequence[Source]) -> _Compute:
    def compute(facts: Facts, _: Sequence[Facts]) -> Measure:
        if not facts.has(*needs):
            return None
        sample = values(facts)
        by_call = len(sample) == len(facts.calls)
        return quantile(facts, sample, q) if by_call else Quantile.of(sample, q)

    return compute
