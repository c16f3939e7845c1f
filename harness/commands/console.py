"""A run on a terminal: progress on standard error, the outcome as a table."""

import resource
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from reports.analysis.analyse import Analysis
from reports.page.by_fault import LEGEND, by_fault_lines
from reports.page.sections import Line
from reports.page.table import kpi_rows

WALL_S = time.monotonic  # noqa: TID251  # bound here: a virtual world turns the module's clock while it runs


class Progress:
    """A bar per subject on a terminal; a line when each begins and ends where output is piped."""

    def __init__(self, title: str, subjects: list[str]) -> None:
        self._console = Console(stderr=True)
        self._title = title
        self._subjects = subjects
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[answered]}"),
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
                self._console.print(f"{subject}: {planned} calls planned")
        text = f"{answered} answered, {done - answered} not"
        self._bars.update(self._tasks[subject], completed=done, answered=text)
        self._last[subject] = (done, planned, answered)

    def __enter__(self) -> Self:
        self._console.print(f"[bold]{self._title}[/bold]: {', '.join(self._subjects)}")
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if not self._console.is_terminal:
            for subject, (done, planned, answered) in self._last.items():
                self._console.print(f"{subject}: {done} of {planned} calls finished, {answered} answered")


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
        Console(stderr=True).print(text, highlight=False, soft_wrap=True)


def print_outcome(analysis: Analysis) -> None:
    """The run's main figures, its claims, its validity and the path of its report."""
    summary, console = analysis.summary, Console()
    table = Table(title=None, header_style="bold")
    table.add_column("")
    for name in summary.names:
        table.add_column(name, justify="right")
    for row in (row for row in kpi_rows(summary) if not row.minor):
        table.add_row(row.label, *(cell.text for cell in row.cells))
    console.print(table)
    if lines := by_fault_lines(summary):
        console.print(by_fault_table(summary.names, lines))
    for claim in summary.claims:
        console.print(f"[bold]{claim.verdict}[/bold]: {claim.text}")
    console.print(f"report: {analysis.run.path / 'report.html'}", soft_wrap=True)


def by_fault_table(names: list[str], lines: list[Line]) -> Table:
    """Outcomes by fault, narrow enough for 80 columns with four subjects."""
    table = Table(title=LEGEND, header_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for line in lines:
        table.add_row(line.label, *line.cells)
    return table
