"""From a matplotlib figure to inline SVG that follows the page: its theme, its fonts, its width.

Colours are drawn as placeholders and replaced by CSS variables, so one SVG serves light and dark. Text stays
text. Nothing in the output depends on the time, the host or what was drawn before.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

SUBJECTS = 6
ERRORS = 5
MODELS = 7

_ROLES = (
    "ink",
    "muted",
    "line",
    "fault",
    "surface",
    *(f"s{i}" for i in range(SUBJECTS)),
    *(f"e{i}" for i in range(ERRORS)),
    *(f"m{i}" for i in range(MODELS)),
)
_PLACEHOLDER = {role: f"#0a0b{index:02x}" for index, role in enumerate(_ROLES)}

INK, MUTED, LINE, FAULT, SURFACE = (_PLACEHOLDER[role] for role in _ROLES[:5])

WIDE, NARROW = 1080, 350
"""Widths in CSS pixels that each figure is laid out for: desktop and phone."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 13.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 1.2,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.major.size": 0.0,
    "ytick.minor.size": 0.0,
    "xtick.major.size": 3.0,
    "xtick.minor.size": 0.0,
    "path.simplify": True,
}


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of a figure's legend, which the page sets as text: a swatch, a line or a hatched swatch."""

    role: str
    label: str
    shape: str = "swatch"


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure of the page: the same picture laid out for two widths."""

    name: str
    title: str
    caption: str
    keys: tuple[Key, ...]
    wide: str
    narrow: str


def subject_role(index: int) -> str:
    return f"s{index % SUBJECTS}"


def color(role: str) -> str:
    """The placeholder colour for a role of the page's palette."""
    return _PLACEHOLDER[role]


@contextmanager
def page_style() -> Iterator[None]:
    """The page's style on top of matplotlib's own defaults, whatever the user's matplotlibrc says.

    Everything is drawn inside it: matplotlib reads the style whenever it makes a line or a text.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # a very long name
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")  # the page has its own fonts
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def figure(width: int, height: float) -> Figure:
    """An empty figure of a size in CSS pixels (matplotlib's SVG has 72 to the inch)."""
    drawn = Figure(figsize=(width / 72, height / 72), layout="constrained")
    drawn.patch.set_alpha(0.0)
    return drawn


def axes(drawn: Figure, rows: int, columns: int, heights: Sequence[float] = ()) -> list[list[Axes]]:
    """A grid of axes in the page's style."""
    grid = drawn.subplots(
        rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights or [1.0] * rows}
    )
    for axis in grid.flat:
        axis.patch.set_alpha(0.0)
    return [list(row) for row in grid]


def seconds_axis(axis: Axes, which: str, low: float, high: float) -> None:
    """Ticks of a logarithmic axis in round seconds: 0.1, 0.2, 0.5, 1 s; powers of ten when it is long."""
    target = axis.xaxis if which == "x" else axis.yaxis
    target.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 300 else (1.0,), numticks=20))
    target.set_minor_locator(NullLocator())
    target.set_major_formatter(FuncFormatter(lambda s, _: f"{s:g} s" if s >= 0.1 else f"{s * 1000:g} ms"))


def svg(drawn: Figure, name: str, label: str) -> str:
    """The figure as an `<svg>` element to put into a page; `name` keeps its ids apart from other figures'."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        # Figure.savefig would draw everything twice, the first time for the layout alone.
        FigureCanvasSVG(drawn).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", lambda tag: _page_tag(tag[0], name), text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert size is not None
    head = f'<svg role="img" aria-label="{_attribute(label)}" viewBox="{size[0][9:-1]}">'
    return head + re.sub(r"^<svg[^>]*>", "", text).strip()


def _page_tag(tag: str, name: str) -> str:
    """A tag with the page's colours, its own ids, and no font; texts between tags stay as they are."""
    tag = re.sub(r'\s(?:xmlns(?::xlink)?|version)="[^"]*"', "", tag)
    tag = re.sub(r"font: ?([\d.]+)px [^;\"]*", r"font-size: \1px", tag)
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = tag.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    for role, placeholder in _PLACEHOLDER.items():
        tag = tag.replace(placeholder, f"var(--{role})")
    return tag


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
