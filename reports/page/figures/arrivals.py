"""Requests at the providers over time: it shows clients that failed together retrying together."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from reports.metrics import Facts
from reports.metrics.basis.facts import floats
from reports.metrics.providers import live, peak_arrivals_per_s
from reports.page import format as text
from reports.page import labels
from reports.record.manifest import Manifest
from reports.stats.intervals import Floats

from .canvas import (
    INK,
    MODELS,
    MUTED,
    NARROW,
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
from .time_axis import bin_edges, fault_bands, histogram, share_scale, time_ticks


def arrivals(subjects: Sequence[Facts], manifest: Manifest) -> Drawing | None:
    """Requests per second at the providers, a panel per subject; None when no provider received any."""
    names = _providers(subjects)
    if not names:
        return None
    edges = _edges(subjects)
    return Drawing(
        "arrivals",
        "What the providers received",
        f"Requests per second by the providers' own ledger, in bins of {edges[1] - edges[0]:g} s; the line "
        "is the planned calls. Requests above it were added by the subject: retries, hedges, fallbacks.",
        (
            Key("ink", "calls planned", "line"),
            *(Key(f"m{i}", labels.provider(name)) for i, name in enumerate(names)),
            *([Key("fault", "fault active", "band")] if manifest.faults else []),
        ),
        _draw(subjects, manifest, names, edges, WIDE),
        _draw(subjects, manifest, names, edges, NARROW),
    )


def _providers(subjects: Sequence[Facts]) -> list[str]:
    """Providers by requests received, most first; beyond the palette they are "other"."""
    counted = (live(facts)["provider"].value_counts() for facts in subjects)
    return ranked(({str(name): int(n) for name, n in of.items()} for of in counted), MODELS)


def _edges(subjects: Sequence[Facts]) -> Floats:
    """From 0 to the last arrival or planned start, retries after the end of the plan included."""
    moments = [np.append(floats(live(f), "received_s"), f.planned_s) for f in subjects]
    return bin_edges(max(float(of.max()) for of in moments if len(of)) + 1e-9)


def _draw(
    subjects: Sequence[Facts], manifest: Manifest, names: Sequence[str], edges: Floats, width: int
) -> str:
    columns = 1 if width == NARROW else min(len(subjects), 2 if len(subjects) in (2, 4) else 3)
    rows = math.ceil(len(subjects) / columns)
    drawn = figure(width, 225 * rows)
    panels = [axis for row in axes(drawn, rows, columns) for axis in row]
    for spare in panels[len(subjects) :]:
        spare.set_visible(False)
    shown = panels[: len(subjects)]
    for index, (axis, facts) in enumerate(zip(shown, subjects, strict=True)):
        _panel(axis, facts, index, names, edges)
        fault_bands([axis], manifest, edges)
    share_scale(shown, manifest)
    return svg(drawn, f"arrivals-{width}", "Requests per second at the providers, per subject")


def _panel(axis: Axes, facts: Facts, index: int, names: Sequence[str], edges: Floats) -> None:
    width = float(edges[1] - edges[0])
    rows = live(facts)
    base = np.zeros(len(edges) - 1)
    for i, name in enumerate(names):
        mine = ~rows["provider"].isin(names) if name == "other" else rows["provider"] == name
        top = base + histogram(floats(rows[mine], "received_s"), edges) / width
        axis.stairs(top, edges, baseline=base, fill=True, facecolor=color(f"m{i}"), linewidth=0)
        base = top
    planned = histogram(floats(facts.recorded, "planned_s"), edges) / width
    axis.stairs(planned, edges, color=INK, linewidth=1.1, baseline=None)
    axis.set_title(facts.subject, loc="left", fontweight="bold", color=color(subject_role(index)))
    peak = text.number(peak_arrivals_per_s(facts), "count")
    axis.set_title(f"at most {peak} within 1 s", loc="right", color=MUTED, fontsize=12)
    axis.set_ylabel("requests/s")
    time_ticks(axis, edges)
