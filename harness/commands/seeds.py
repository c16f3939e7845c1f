"""`brownout run --seeds N`: the table and the file for many seeds."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.errors import InputError
from harness.runs.seeds import run_seeds, spec_of
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import RunSpec
from reports.analysis.seeds import SeedRow, Spread, seed_rows, seeds_json
from reports.analysis.summary import Summary
from reports.page.format import number, signed
from reports.record.whole_file import write_whole

from .encoding import write_json
from .outcome import failed_claims, verdict_code, verdict_lines
from .terminal import plain_table, print_line, terminal


def check_seeds(seeds: int | None, options: RunOptions, spec: RunSpec) -> None:
    """Raises InputError where many seeds cannot be played as asked."""
    if seeds is None:
        return
    if options.aa:
        raise InputError("--aa: expected no --seeds; the noise floor is that of one run")
    if spec.engine != "virtual":
        raise InputError("--seeds: expected --engine virtual, many seeds on real sockets would take hours")


def play_seeds(
    options: RunOptions,
    seeds: list[int],
    folder: Path,
    started_at: datetime,
    *,
    as_json: bool,
    failing: tuple[str, ...] = (),
) -> None:
    """All seeds over the machine's cores, with a progress bar; `folder` gets seeds.json.

    Raises typer.Exit with the worst exit code of the seeds, if any failed.
    """
    spec_of(options, seeds[0])  # input errors are raised before any process starts
    shown = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as executor,
        Progress(*columns, console=shown, disable=not shown.is_terminal) as bar,
    ):
        task = bar.add_task("seeds", total=len(seeds))
        summaries = run_seeds(
            options, seeds, started_at, executor, lambda done, _: bar.update(task, completed=done)
        )
    found = seeds_json(summaries)
    write_whole(folder / "seeds.json", json.dumps(found, indent=2, allow_nan=False) + "\n")
    codes = {verdict_code(summary, failing) for summary in summaries}
    for summary in summaries:
        if verdict_code(summary, failing):
            lines = [*verdict_lines(summary), *failed_claims(summary, failing)]
            print_line(terminal(stderr=as_json), f"seed {summary.seed}: {'; '.join(lines)}")
    if as_json:
        write_json(json.dumps(found, indent=2, allow_nan=False) + "\n")
    else:
        _print_seeds(summaries, folder)
    if failed := codes - {0}:
        raise typer.Exit(min(failed))


def _print_seeds(summaries: list[Summary], folder: Path) -> None:
    _print(seed_rows(summaries), summaries[0].names, len(summaries))
    print_line(terminal(), f"seeds: {folder / 'seeds.json'}")


def _print(rows: list[SeedRow], names: list[str], n: int) -> None:
    differences = [f"{name} − {names[0]}" for name in names[1:]]
    table = plain_table(f"{n} seeds: mean ± half of its 95 % interval", [*names, *differences])
    for row in rows:
        if not row.metric.minor:
            cells = [_cell(row, row.spreads[name]) for name in names]
            table.add_row(
                Text(row.metric.label),
                *cells,
                *(_cell(row, row.differences[name], sign=True) for name in names[1:]),
            )
    terminal().print(table)


def _cell(row: SeedRow, spread: Spread | None, *, sign: bool = False) -> str:
    """Mean ± half of its interval; differences have a sign, those of shares are in percentage points.

    Where seeds are unbounded or were not measured, it says in how many.
    """
    if spread is None:
        return "–"
    if spread.unbounded:
        mean = "undefined" if spread.mean is None else "∞" if spread.mean > 0 else "−∞"
        sides = "+" if sign and spread.mean is not None and spread.mean > 0 else ""
        return f"{sides}{mean} ({spread.unbounded} of {spread.n} seeds)"
    assert spread.mean is not None
    few = "" if spread.n == spread.seeds else f" ({spread.n} of {spread.seeds} seeds)"
    unit = row.metric.unit
    points = " pp" if sign and unit == "share" else ""

    def text(value: float) -> str:
        return number(value, unit).removesuffix(" %" if points else "") + points

    mean = signed(text(abs(spread.mean)), spread.mean) if sign else text(spread.mean)
    if spread.interval is None:
        return mean + few
    low, high = spread.interval
    return f"{mean} ± {text((high - low) / 2)}{few}"
