"""A run on a terminal: progress on standard error, the outcome as a table."""

import resource
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from reports.analysis.analyse import Analysis
from reports.page.by_fault import LEGEND, by_fault_lines
from reports.page.sections import Line
from reports.page.table import kpi_rows
from reports.page.trace import trace_lines
from reports.record.trace_read import TraceRead

from .terminal import bold, plain_table, print_line, terminal

WALL_S = time.monotonic  # noqa: TID251  # bound here: a virtual world turns the module's clock while it runs


class Progress:
    """A bar per subject on a terminal; a line when each begins and ends where output is piped."""

    def __init__(self, title: str, subjects: list[str]) -> None:
        self._console = terminal(stderr=True)
        self._title = title
        self._subjects = subjects
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[answered]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            get_time=WALL_S,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, tuple[int, int, int]] = {}

    def tell(self, subject: str, done: int, planned: int, answered: int) -> None:
        """Called now and then while `subject` runs."""
        if subject not in self._tasks:
            self._tasks[subject] = self._bars.add_task(subject, total=planned, answered="")
            if not self._console.is_terminal:
                print_line(self._console, f"{subject}: {planned} calls planned")
        text = f"{answered} answered, {done - answered} not"
        self._bars.update(self._tasks[subject], completed=done, answered=text)
        self._last[subject] = (done, planned, answered)

    def __enter__(self) -> Self:
        print_line(self._console, bold(self._title), f": {', '.join(self._subjects)}")
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if not self._console.is_terminal:
            for subject, (done, planned, answered) in self._last.items():
                text = f"{subject}: {done} of {planned} calls finished, {answered} answered"
                print_line(self._console, text)


class Stopwatch:
    """How long a run took by the wall's clock, and the most memory that it had; told on standard error."""

    def __init__(self) -> None:
        self._began_s = WALL_S()

    def tell(self, calls: int, played_s: float) -> None:
        """`played_s` is the time that was played, of all subjects together."""
        took_s = WALL_S() - self._began_s
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        text = f"{calls:,} calls in {took_s:.1f} s of wall time: {calls / took_s:,.0f} calls/s, "
        text += f"{played_s / took_s:,.1f} × real time; peak memory {peak_mb:,.0f} MB"
        print_line(terminal(stderr=True), text)


def print_trace(read: TraceRead) -> None:
    """Print the facts of the trace that was read, on standard error."""
    lines = trace_lines(read)
    width = max(len(label) for label, _ in lines)
    for label, value in lines:
        print_line(terminal(stderr=True), f"  {label:<{width}}  {value}")


def print_outcome(analysis: Analysis) -> None:
    """The run's main figures, its claims, its validity and the path of its report."""
    summary, console = analysis.summary, terminal()
    table = plain_table(None, summary.names)
    for row in (row for row in kpi_rows(summary) if not row.minor):
        table.add_row(Text(row.label), *(Text(cell.text) for cell in row.cells))
    console.print(table)
    if lines := by_fault_lines(summary):
        console.print(by_fault_table(summary.names, lines))
    for claim in summary.claims:
        print_line(console, bold(claim.verdict), f": {claim.text}")
    print_line(console, f"report: {analysis.run.path / 'report.html'}")


def by_fault_table(names: list[str], lines: list[Line]) -> Table:
    """Outcomes by fault, narrow enough for 80 columns with four subjects."""
    table = Table(title=Text(LEGEND), header_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    for line in lines:
        table.add_row(Text(line.label), *map(Text, line.cells))
    return table
