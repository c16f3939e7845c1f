"""`brownout run --aa`: one subject against itself, and the smallest difference that would be called one."""

from rich.text import Text

from reports.analysis.summary import Summary
from reports.metrics.basis.registry import Metric, catalogue
from reports.page.format import number, percent, signed

from .terminal import plain_table, terminal

COLUMNS = ["difference", "called one from", "found in 4 of 5 runs from"]


def noise_floor(summary: Summary) -> list[tuple[str, str, str, str]]:
    """Of each metric of the table: its label, the difference of the two, the smallest one that would be
    called one (half of its 95 % interval), and the true one that is found with a power of 80 %. Without an
    interval the third says why.
    """
    again = summary.subjects[summary.names[-1]]
    rows = []
    for about in (metric for group in catalogue() for metric in group.metrics if not metric.minor):
        found = again.differences.get(about.name)
        if found is None:
            continue
        difference = signed(_size(about, abs(found.difference)), found.difference)
        least, power = found.least, found.found_with(0.8)
        if least is None or power is None:
            rows.append((about.label, difference, f"no interval: {found.why}", "–"))
        else:
            rows.append((about.label, difference, _size(about, least), _size(about, power)))
    return rows


def print_noise_floor(summary: Summary, *, shown: bool) -> None:
    """Print the table on standard output, if it is asked for and both were measured."""
    if not shown or len(summary.names) < 2:
        return
    table = plain_table(f"Noise floor: {summary.names[0]} against itself, other draws", COLUMNS)
    for label, *cells in noise_floor(summary):
        table.add_row(Text(label), *map(Text, cells))
    terminal().print(table)


def _size(about: Metric, value: float) -> str:
    return f"{percent(value)} pp" if about.unit == "share" else number(value, about.unit)
