"""Bars per subject: dollars by model, requests to providers by kind and outcome."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reports.metrics import Facts
from reports.metrics.basis.facts import NANO
from reports.metrics.money import cost_by_model_nusd
from reports.page import format as text
from reports.page import labels
from reports.record.kinds import ATTEMPT_KINDS

from .canvas import (
    MODELS,
    NARROW,
    SURFACE,
    WIDE,
    Drawing,
    Key,
    axes,
    color,
    figure,
    subject_role,
    svg,
)
from .ranking import ranked

_MOST_ATTEMPTS = 4


def cost(subjects: Sequence[Facts]) -> Drawing:
    """Billed dollars per 1,000 calls by model."""
    costs = {facts.subject: cost_by_model_nusd(facts) for facts in subjects}
    models = ranked(costs.values(), MODELS)
    return Drawing(
        "cost",
        "Cost by model",
        "What the providers billed per 1,000 calls sent, by the model that did the work.",
        tuple(Key(f"m{i}", model) for i, model in enumerate(models)),
        _draw_cost(subjects, costs, models, WIDE),
        _draw_cost(subjects, costs, models, NARROW),
    )


def _draw_cost(
    subjects: Sequence[Facts], costs: Mapping[str, Mapping[str, int]], models: Sequence[str], width: int
) -> str:
    drawn = figure(width, 64 + 46 * len(subjects))
    axis = axes(drawn, 1, 1)[0][0]
    longest = 0.0
    for place, facts in enumerate(subjects):
        mine = costs[facts.subject]
        calls = max(len(facts.calls), 1)
        left = 0.0
        for i, model in enumerate(models):
            nusd = sum(mine[m] for m in mine if m not in models) if model == "other" else mine.get(model, 0)
            size = nusd * 1000 / (NANO * calls)
            axis.barh(
                place, size, left=left, height=0.56, color=color(f"m{i}"), edgecolor=SURFACE, linewidth=1
            )
            left += size
        longest = max(longest, left)
        _bar_end(axis, left, place, text.usd(left))
    _horizontal(axis, [facts.subject for facts in subjects], longest * (1.12 if width == WIDE else 1.3))
    axis.xaxis.set_major_locator(MaxNLocator(6 if width == WIDE else 3))
    axis.xaxis.set_major_formatter(lambda value, _: f"${value:g}")
    axis.set_xlabel("per 1,000 calls")
    return svg(drawn, f"cost-{width}", "Billed dollars per 1,000 calls by model, per subject")


def attempts(subjects: Sequence[Facts]) -> Drawing:
    """Requests to providers per call, by kind and whether they succeeded; and how many a call needed."""
    return Drawing(
        "attempts",
        "Attempts per call",
        "Left: requests to providers per call sent, by kind; hatched did not succeed. "
        "Right: how many requests a call took (0: replayed from the cache, or refused before any was sent).",
        (
            *(Key(role, labels.attempt_kind(kind)) for kind, role in _kind_roles(subjects).items()),
            Key("ink", "did not succeed", "hatch"),
            *(Key(subject_role(i), facts.subject) for i, facts in enumerate(subjects)),
        ),
        _draw_attempts(subjects, WIDE),
        _draw_attempts(subjects, NARROW),
    )


def _kind_roles(subjects: Sequence[Facts]) -> dict[str, str]:
    """The colour of each kind of attempt that there was; kinds beyond the last colour share it."""
    seen = [kind for kind in ATTEMPT_KINDS if any((facts.sent["kind"] == kind).any() for facts in subjects)]
    return {kind: f"m{min(i, MODELS - 1)}" for i, kind in enumerate(seen)}


def _draw_attempts(subjects: Sequence[Facts], width: int) -> str:
    side_by_side = width == WIDE
    tall = 74 + 44 * len(subjects)
    drawn = figure(width, max(tall, 200) if side_by_side else tall + 230)
    grid = axes(drawn, *((1, 2) if side_by_side else (2, 1)), [] if side_by_side else [tall, 230])
    panels = [axis for row in grid for axis in row]
    _by_kind(panels[0], subjects, 1.12 if side_by_side else 1.25)
    _by_number(panels[1], subjects)
    return svg(drawn, f"attempts-{width}", "Attempts per call by kind, and calls by number of attempts")


def _by_kind(axis: Axes, subjects: Sequence[Facts], room: float) -> None:
    longest, roles = 0.0, _kind_roles(subjects)
    for place, facts in enumerate(subjects):
        calls, left = max(len(facts.calls), 1), 0.0
        good = (facts.sent["outcome"] == "success").to_numpy(dtype=bool)
        for kind, role in roles.items():
            mine = (facts.sent["kind"] == kind).to_numpy(dtype=bool)
            for chosen, hatch in ((mine & good, None), (mine & ~good, "////")):
                size = int(chosen.sum()) / calls
                if not size:
                    continue
                axis.barh(
                    place,
                    size,
                    left=left,
                    height=0.56,
                    color=color(role),
                    hatch=hatch,
                    edgecolor=SURFACE,
                    linewidth=1,
                )
                left += size
        longest = max(longest, left)
        if facts.attempts_known:
            _bar_end(axis, left, place, f"{left:.2f}")
    _horizontal(axis, [facts.subject for facts in subjects], longest * room)
    axis.set_title("Attempts per call")


def _by_number(axis: Axes, subjects: Sequence[Facts]) -> None:
    names = [str(k) for k in range(_MOST_ATTEMPTS)] + [f"{_MOST_ATTEMPTS}+"]
    width = 0.8 / len(subjects)
    for index, facts in enumerate(subjects):
        counts = np.zeros(_MOST_ATTEMPTS + 1, dtype=np.int64)
        if len(facts.calls) and facts.attempts_known:
            per_call = facts.calls["call_id"].map(facts.sent["call_id"].value_counts()).fillna(0)
            counts[:] = np.bincount(
                np.minimum(per_call.to_numpy(dtype=int), _MOST_ATTEMPTS), minlength=_MOST_ATTEMPTS + 1
            )
        places = np.arange(len(names)) + (index - (len(subjects) - 1) / 2) * width
        axis.bar(places, counts / max(len(facts.calls), 1), width * 0.92, color=color(subject_role(index)))
    axis.set_xticks(np.arange(len(names)), names)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axis.set_ylim(0, None)
    axis.set_title("Calls by number of attempts")


def _bar_end(axis: Axes, end: float, place: int, label: str) -> None:
    axis.annotate(
        label, (end, place), (6, 0), textcoords="offset points", va="center", fontsize=12, fontweight="bold"
    )


def _horizontal(axis: Axes, names: Sequence[str], end: float) -> None:
    """Subjects down the side, first on top; the grid follows the value axis."""
    axis.set_yticks(range(len(names)), names, fontsize=12)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(0, end or 1.0)
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
