"""A run on a terminal: progress on standard error, the outcome as a table."""

import resource
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from reports.analysis.analyse import Analysis
from reports.page.by_fault import LEGEND, by_fault_lines
from reports.page.machine import calibration_sentence
from reports.page.sections import Line, client_errors
from reports.page.table import kpi_rows
from reports.page.trace import trace_lines
from reports.record.kinds import ENDED
from reports.record.run import Run
from reports.record.trace_read import TraceRead

from .outcome import verdict_lines
from .terminal import bold, plain_table, print_line, terminal

MOST_ERRORS = 3
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

    def tell(self, run: Run) -> None:
        """Calls that ended, of all subjects together, and the time that was played."""
        took_s = WALL_S() - self._began_s
        calls = int(run.calls["outcome"].isin(ENDED).sum())
        length_s, subjects = run.manifest.duration_s or 0.0, len(run.manifest.subjects)
        reached_s = float(run.calls.groupby("subject")["started_s"].max().sum())
        played_s = length_s * subjects if run.manifest.status == "complete" else reached_s
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
    """The run's validity first, then its main figures, its claims and the path of its report."""
    summary, console = analysis.summary, terminal()
    verdict, *reasons = verdict_lines(summary)
    print_line(console, bold(verdict))
    for reason in reasons:
        print_line(console, reason)
    table = plain_table(None, summary.names)
    for row in (row for row in kpi_rows(summary) if not row.minor):
        table.add_row(Text(row.label), *(Text(cell.text) for cell in row.cells))
    console.print(table)
    if lines := by_fault_lines(summary):
        console.print(by_fault_table(summary.names, lines))
    for claim in summary.claims:
        why = f" ({claim.not_judged})" if claim.not_judged else ""
        print_line(console, bold(claim.verdict), f": {claim.text}{why}")
    print_client_errors(console, analysis.run)
    if summary.engine != "virtual":
        print_line(console, calibration_sentence(analysis.run.manifest))
    print_line(console, f"report: {analysis.run.path / 'report.html'}")


def print_client_errors(console: Console, run: Run) -> None:
    """The commonest exceptions of the users' clients, and where their tracebacks are."""
    kinds = client_errors(run.manifest)
    for subject, kind in kinds[:MOST_ERRORS]:
        text = f": {kind.count:,} × {kind.exception}: {kind.message}"
        print_line(console, bold(f"{subject}: error of the client's own"), text)
    if kinds:
        print_line(console, f"tracebacks: {run.path / 'logs'}/*.client.log")


def by_fault_table(names: list[str], lines: list[Line]) -> Table:
    """Outcomes by fault, narrow enough for 80 columns with four subjects."""
    table = Table(title=Text(LEGEND), header_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    for line in lines:
        table.add_row(Text(line.label), *map(Text, line.cells))
    return table
