"""`brownout run`: play a scenario, print the result and the path of the report."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.spec.scenario import Engine

from .durations import seconds


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name (see `brownout list`) or a .toml file.")],
    engine: Annotated[
        Engine | None, typer.Option(help="Real sockets or virtual time. Default: the scenario's.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            parser=seconds, metavar="TIME", help="Length of the run: 60s, 10m, 1h. Default: the scenario's."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides every draw. Default: the scenario's.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Play N seeds in virtual time, on all cores: means and intervals."),
    ] = None,
    stack: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure only this: a subject of the scenario, a shipped stack, or a .toml file; repeatable."
        ),
    ] = None,
    incident: Annotated[
        str | None,
        typer.Option(help="Add the faults of an incident: a name (`brownout list incidents`) or a file."),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(help="Recorded traffic (Azure LLM trace, CSV) for scenarios that replay it."),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Questions to ask instead: a CSV of text,category (same category: same right answer).",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run directories.")] = Path("runs"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json on standard output and nothing else.")
    ] = False,
) -> None:
    """Play a scenario against mock providers and write a run directory with a report.

    Examples:

        brownout run outage

        brownout run outage --duration 15s --seed 3 --stack full

        brownout run outage --engine virtual --seeds 20

        brownout run day --engine virtual --incident openai-2024-12-11

        brownout run exact-cache --questions my-questions.csv

        brownout run azure-hour --duration 60s --trace AzureLLMInferenceTrace_conv.csv
    """
    from harness.errors import InputError
    from harness.runs.folder import make_run_folder
    from harness.runs.run import run as play
    from harness.spec.run_options import RunOptions
    from harness.spec.run_spec import make_spec

    from .console import Progress, Stopwatch, print_outcome
    from .seeds import play_seeds

    options = RunOptions(
        scenario=scenario,
        engine=engine,
        seed=seed,
        duration_s=duration,
        stacks=tuple(stack or ()),
        trace=trace,
        incident=incident,
        questions=questions,
        out=out,
        command=shlex.join(["brownout", *sys.argv[1:]]),
    )
    spec = make_spec(options)
    started_at = datetime.now(UTC)  # noqa: TID251  # the only calendar time that is read: it names the run
    folder = make_run_folder(options.out, spec.name, started_at, len(spec.plan) * len(spec.subjects))
    if seeds is not None:
        if spec.engine != "virtual":
            raise InputError(
                "--seeds: expected --engine virtual, many seeds on real sockets would take hours"
            )
        play_seeds(options, list(range(spec.seed, spec.seed + seeds)), folder, started_at, as_json=as_json)
        return
    stopwatch = Stopwatch()
    with Progress(spec.title, [subject.name for subject in spec.subjects]) as progress:
        analysis = play(spec, folder, started_at, progress.tell)
    stopwatch.tell(len(spec.plan) * len(spec.subjects), spec.duration_s * len(spec.subjects))
    if as_json:
        sys.stdout.write((folder / "summary.json").read_text())
    else:
        print_outcome(analysis)
    manifest = analysis.run.manifest
    if manifest.status == "partial":
        reason = manifest.status_reason or ""
        typer.echo(f"brownout: partial run kept in {folder}: {reason}", err=True)
        raise typer.Exit(130 if reason.startswith("interrupted") else 1)
