"""The pictures of a report, as inline SVG that needs nothing but the page's palette."""

from collections.abc import Sequence

from reports.metrics import Facts
from reports.record.manifest import Manifest

from .arrivals import arrivals
from .bars import attempts, cost
from .canvas import Drawing, Key, page_style
from .distributions import distributions
from .routing import routing
from .semantic import semantic
from .timeline import timeline

__all__ = ["Drawing", "Key", "draw"]


def draw(subjects: Sequence[Facts], manifest: Manifest) -> dict[str, Drawing]:
    """Every figure by name: timeline, arrivals (if a provider received a request), distributions, semantic
    (of runs with a semantic cache), routing (of runs that compare routers), cost, attempts.
    """
    with page_style():
        drawings = (
            timeline(subjects, manifest),
            arrivals(subjects, manifest),
            distributions(subjects),
            semantic(subjects),
            routing(subjects),
            cost(subjects),
            attempts(subjects),
        )
    return {drawing.name: drawing for drawing in drawings if drawing is not None}
