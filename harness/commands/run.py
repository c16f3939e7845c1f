"""`brownout run`: play a scenario, print the result and the path of the report."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.load.traces.options import TimeUnit, TraceSlice
from harness.spec.scenario import Engine

from .durations import seconds
from .outcome import fail_on
from .trace_options import time_range, trace_overrides

MOST_REASONS = 4


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
    aa: Annotated[
        bool,
        typer.Option(
            "--aa",
            help="Measure the first subject against itself, with other draws: per metric the noise floor, "
            "the smallest difference that would be called one.",
        ),
    ] = False,
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
        typer.Option(
            help="Recorded traffic to replay: a trace of Azure, Mooncake, Bailian or BurstGPT, or any CSV, "
            "JSONL or Parquet file with times and token counts."
        ),
    ] = None,
    trace_column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USE=NAME",
            help="Name a column of the trace: time, input and output (tokens), session, prefix (ids of "
            "prompt blocks); repeatable.",
        ),
    ] = None,
    trace_time_unit: Annotated[
        TimeUnit | None, typer.Option(help="Unit of the trace's times, if they are numbers. Default: s.")
    ] = None,
    trace_slice: Annotated[
        TraceSlice | None,
        typer.Option(parser=time_range, metavar="FROM..TO", help="Play a part of the trace: 10m..20m, 1h.."),
    ] = None,
    trace_speed: Annotated[
        float | None, typer.Option(help="Play the trace faster: 2 is twice as fast.")
    ] = None,
    trace_scale: Annotated[
        float | None, typer.Option(help="Calls for each recorded one: 0.5 leaves out half, 2 doubles them.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Questions to ask instead: a CSV of text,category (same category: same right answer).",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run directories.")] = Path("runs"),
    failing: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="WHAT",
            help="refuted, untested: exit code 3 for such claims. degraded: 1 for such a run. With commas.",
        ),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json on standard output and nothing else.")
    ] = False,
) -> None:
    """Play a scenario against mock providers and write a run directory with a report.

    Exit code 0: good. 1: the run is broken or INVALID. 2: bad input. 3: a claim failed, with --fail-on.

    Examples:

        brownout run outage

        brownout run outage --duration 15s --seed 3 --stack full

        brownout run outage --engine virtual --seeds 20

        brownout run outage --engine virtual --stack full --aa

        brownout run outage --engine virtual --fail-on refuted,untested

        brownout run day --engine virtual --incident openai-2024-12-11

        brownout run exact-cache --questions my-questions.csv

        brownout run azure-hour --duration 60s --trace AzureLLMInferenceTrace_conv.csv

        brownout run azure-hour --engine virtual --trace mine.csv.gz --trace-column time=start
        --trace-column input=prompt --trace-column output=reply --trace-slice 10m..20m --trace-speed 2
    """
    from harness.runs.folder import make_run_folder
    from harness.runs.run import run as play
    from harness.spec.run_options import RunOptions
    from harness.spec.run_spec import make_spec

    from .console import Progress, Stopwatch, print_outcome, print_trace
    from .encoding import write_json
    from .noise_floor import print_noise_floor
    from .outcome import exit_code, verdict_lines
    from .seeds import check_seeds, play_seeds

    fails = fail_on(failing)
    options = RunOptions(
        scenario=scenario,
        engine=engine,
        seed=seed,
        duration_s=duration,
        stacks=tuple(stack or ()),
        trace=trace,
        trace_overrides=trace_overrides(
            trace_column or [], trace_time_unit, trace_slice, trace_speed, trace_scale
        ),
        incident=incident,
        aa=aa,
        questions=questions,
        out=out,
        command=shlex.join(["brownout", *sys.argv[1:]]),
    )
    spec = make_spec(options)
    for warning in spec.warnings:
        typer.echo(f"brownout: {warning}", err=True)
    check_seeds(seeds, options, spec)
    started_at = datetime.now(UTC)  # noqa: TID251  # the only calendar time that is read: it names the run
    folder = make_run_folder(options.out, spec.name, started_at, len(spec.plan) * len(spec.subjects))
    if seeds is not None:
        every = list(range(spec.seed, spec.seed + seeds))
        play_seeds(options, every, folder, started_at, as_json=as_json, failing=fails)
        return
    if spec.trace is not None and spec.trace.read is not None:
        print_trace(spec.trace.read)
    stopwatch = Stopwatch()
    with Progress(spec.title, [subject.name for subject in spec.subjects]) as progress:
        analysis = play(spec, folder, started_at, progress.tell)
    stopwatch.tell(analysis.run)
    summary, manifest = analysis.summary, analysis.run.manifest
    if as_json:
        write_json((folder / "summary.json").read_text("utf-8"))
        for line in verdict_lines(summary)[:MOST_REASONS] if not summary.valid else ():
            typer.echo(f"brownout: {line.strip()}", err=True)
    else:
        print_outcome(analysis)
        print_noise_floor(summary, shown=aa)
    if manifest.status != "complete":
        reason = manifest.status_reason or ""
        typer.echo(f"brownout: {manifest.status} run kept in {folder}: {reason}", err=True)
    if code := exit_code(summary, manifest, fails):
        raise typer.Exit(code)
