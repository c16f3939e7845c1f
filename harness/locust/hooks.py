"""Locust's event hooks: play a job of `brownout run`, or a whole run started on Locust's web page."""

import logging
import shlex
import sys
from argparse import Namespace
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import gevent
from gevent.os import tp_read
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner

from ..errors import InputError, RunFailed
from ..input_errors import INPUT_ERRORS, one_line
from ..load.job import LoadJob
from ..runs.folder import make_run_folder
from ..runs.run import Recording
from ..spec.run_options import RunOptions
from ..spec.run_spec import make_spec
from ..spec.shipped import shipped_files
from ..spec.subject import Subject
from ..world.real import RealWorld


def install() -> None:
    """Register everything with Locust's events."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request to the admin API
    hooks = Hooks()
    for event, listener in (
        (events.init_command_line_parser, hooks.add_options),
        (events.test_start, hooks.test_start),
        (events.test_stop, hooks.test_stop),
    ):
        event.add_listener(listener)  # type: ignore[no-untyped-call]  # untyped in Locust


def quit_with_starter(runner: LocalRunner) -> None:
    """Quit when standard input closes: the process that started this one is gone."""
    while tp_read(sys.stdin.fileno(), 4096):
        pass
    runner.quit()


class OwnRun(NamedTuple):
    """A run that this process plays on its own."""

    recording: Recording
    world: RealWorld
    subject: Subject


class Hooks:
    """Listeners of Locust's events, and the run of this process if it plays one on its own."""

    def __init__(self) -> None:
        self._world = ExitStack()
        self._run: OwnRun | None = None

    def add_options(self, parser: LocustArgumentParser, **_: Any) -> None:
        """Add options; Locust shows all but the job on its web page."""
        scenarios, stacks = (", ".join(shipped_files(kind)) for kind in ("scenarios", "stacks"))
        parser.add_argument("--scenario", default="outage", help=f"{scenarios}, or a .toml file.")
        parser.add_argument(
            "--stack",
            default="full",
            help=f"The stack under test: one of the scenario's, {stacks}, or a .toml file.",
        )
        parser.add_argument(
            "--trace", default="", help="Recorded traffic (CSV) for scenarios that replay it."
        )
        parser.add_argument("--brownout-job", default="", include_in_web_ui=False, help="A load job to play.")

    def test_start(self, environment: Environment, **_: Any) -> None:
        """Read the job, or start providers and a gateway and make one."""
        options = environment.parsed_options
        assert options is not None
        try:
            if not isinstance(environment.runner, LocalRunner):
                raise InputError("--master, --worker, --processes: expected one Locust process, without them")
            if options.brownout_job:
                options.job = LoadJob.read(Path(options.brownout_job))
                gevent.spawn(quit_with_starter, environment.runner)
            else:
                options.job = self._start_run(options)
            environment.host = options.job.url
        except (*INPUT_ERRORS, RunFailed) as error:
            options.job = None
            self._world.close()
            environment.process_exit_code = 2
            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback

    def _start_run(self, options: Namespace) -> LoadJob:
        """Start a run of this process: providers, gateway and the job to play."""
        chosen = ["--scenario", options.scenario, "--stack", options.stack]
        run_options = RunOptions(
            scenario=options.scenario,
            stacks=(options.stack,),
            trace=Path(options.trace) if options.trace else None,
            command=shlex.join(["locust", "-f", "scenarios/locustfile.py", *chosen]),
        )
        spec = make_spec(run_options)
        started_at = datetime.now(UTC)  # noqa: TID251  # the only calendar time that is read: it names the run
        folder = make_run_folder(run_options.out, spec.name, started_at, len(spec.plan))
        recording = Recording(spec, folder, started_at)
        world = self._world.enter_context(RealWorld(spec, recording.logs))
        self._run = OwnRun(recording, world, spec.subjects[0])
        return world.begin(spec.subjects[0])

    def test_stop(self, environment: Environment, **_: Any) -> None:
        """Write the run of this process, if there is one."""
        run, self._run = self._run, None
        if run is None:
            return
        with self._world:
            run.recording.add(run.subject, run.world.end(run.subject))
        try:
            summary = run.recording.write().summary
        except RunFailed as error:
            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback
            environment.process_exit_code = 1
            return
        if not summary.valid:
            environment.process_exit_code = 1
        for reason in summary.validity.reasons:
            print(f"{reason.level}: {reason.text}")  # noqa: T201  # where Locust's user looks
        print(f"report: {run.recording.folder / 'report.html'}")  # noqa: T201  # where Locust's user looks
