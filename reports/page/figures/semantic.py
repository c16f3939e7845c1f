"""Semantic caches: answers from the cache against wrong ones, a point per subject, and every threshold."""

from collections.abc import Sequence

from matplotlib.ticker import MaxNLocator, PercentFormatter

from reports.analysis.semantic_sweep import Hits, hits_of, sweep, swept
from reports.metrics import Facts

from .canvas import INK, MUTED, NARROW, SURFACE, WIDE, Drawing, Key, axes, color, figure, subject_role, svg


def semantic(subjects: Sequence[Facts]) -> Drawing | None:
    """Hits against false hits; None for a run without a semantic cache."""
    shown = swept(subjects)
    if shown is None:
        return None
    plain, gated = sweep(shown), sweep(shown, gated=True)
    points = {i: hits for i, facts in enumerate(subjects) if (hits := hits_of(facts)) is not None}
    return Drawing(
        "semantic",
        "Hits against false hits",
        "Calls answered from a cache, and those of them that got the answer of another question, of all "
        f"calls. The lines are every threshold, for the neighbours that the cache of {shown.subject} found.",
        (
            *(Key(subject_role(i), subjects[i].subject) for i in points),
            Key("muted", "a threshold", "line"),
            Key("ink", "a threshold and the same negations, numbers, names", "line"),
        ),
        _draw(plain, gated, points, WIDE),
        _draw(plain, gated, points, NARROW),
    )


def _draw(plain: list[Hits], gated: list[Hits], points: dict[int, Hits], width: int) -> str:
    drawn = figure(width, 360 if width == WIDE else 300)
    axis = axes(drawn, 1, 1)[0][0]
    for line, ink in ((plain, MUTED), (gated, INK)):
        axis.plot([at.false_share for at in line], [at.hit_rate for at in line], color=ink, linewidth=1.2)
    for index, at in points.items():
        mine = color(subject_role(index))
        axis.plot([at.false_share], [at.hit_rate], "o", color=mine, markersize=9, markeredgecolor=SURFACE)
    axis.set_ylim(0, 1.02)
    axis.set_xlim(
        -0.01, max((at.false_share for at in (*plain, *points.values())), default=0.0) * 1.06 + 0.01
    )
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axis.xaxis.set_major_locator(MaxNLocator(8 if width == WIDE else 4, steps=[1, 2, 5, 10]))
    axis.set_xlabel("with the answer of another question")
    axis.set_title("Answered from a cache")
    return svg(drawn, f"semantic-{width}", "Hits against false hits, per subject and for every threshold")
