"""Shared by panels over the time of a run: bins, ticks, bands for the faults, one scale."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from reports.page.labels import fault_windows
from reports.record.manifest import Manifest
from reports.stats.intervals import Floats

from .canvas import FAULT

_BINS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_MOST_BINS = 72


def bin_width_s(duration_s: float) -> float:
    """The finest round bin width that keeps a run of this length within 72 bins."""
    for width in _BINS:
        if duration_s / width <= _MOST_BINS:
            return width
    return 3600.0 * math.ceil(duration_s / _MOST_BINS / 3600)


def bin_edges(end_s: float) -> Floats:
    """The edges of the bins from 0 to the first that is not before `end_s` (at least 1 s)."""
    end_s = max(end_s, 1.0)
    width = bin_width_s(end_s)
    return np.arange(math.ceil(end_s / width) + 1, dtype=np.float64) * width


def histogram(sample: Floats, edges: Floats) -> Floats:
    """Sample values per bin."""
    return np.histogram(sample, bins=edges)[0].astype(np.float64)


def time_ticks(axis: Axes, edges: Floats) -> None:
    """The run along the axis, in seconds or, if it is long, in minutes."""
    axis.set_xlim(float(edges[0]), float(edges[-1]))
    long = edges[-1] > 600
    axis.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{s / 60:g} min" if long else f"{s:g} s"))


def fault_bands(panels: Sequence[Axes], manifest: Manifest, edges: Floats) -> None:
    """A band per fault through panels that are stacked vertically, labelled in the top panel."""
    for level, (start, end, label) in enumerate(fault_windows(manifest.faults, float(edges[-1]))):
        for axis in panels:
            axis.axvspan(start, end, facecolor=FAULT, alpha=0.22, linewidth=0, zorder=0)
        middle = min(max((start + end) / 2, edges[-1] * 0.16), edges[-1] * 0.84)
        panels[0].text(
            middle,
            0.985 - 0.095 * (level % 3),
            label,
            transform=panels[0].get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=11,
        )


def share_scale(panels: Sequence[Axes], manifest: Manifest) -> None:
    """One scale from 0 for all panels, with room for the labels of the faults."""
    headroom = 1.0 + 0.14 * max(1, min(3, len(manifest.faults)))
    top = max((axis.dataLim.y1 for axis in panels), default=1.0)
    for axis in panels:
        axis.set_ylim(0, max(top, 1e-9) * headroom)
