"""Locust's side of a run: a job from `brownout run`, or a whole run led from Locust's own web page."""

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
from ..input_errors import BAD_INPUT, one_line
from ..load.job import LoadJob
from ..runs.run import Recording, new_run_folder
from ..spec.run_options import RunOptions
from ..spec.run_spec import make_spec
from ..spec.shipped import shipped_files
from ..spec.subject import Subject
from ..world.real import RealWorld


def install() -> None:
    """Register everything with Locust's events."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells every request to the providers' admin
    hooks = Hooks()
    for event, listener in (
        (events.init_command_line_parser, hooks.add_options),
        (events.test_start, hooks.test_start),
        (events.test_stop, hooks.test_stop),
    ):
        event.add_listener(listener)  # type: ignore[no-untyped-call]  # untyped in Locust


def quit_with_starter(runner: LocalRunner) -> None:
    """Whoever handed us the job holds our standard input open; when it closes, nobody waits for us."""
    while tp_read(sys.stdin.fileno(), 4096):
        pass
    runner.quit()


class Led(NamedTuple):
    """A run that this process leads."""

    recording: Recording
    world: RealWorld
    subject: Subject


class Hooks:
    """State of the run that the web page leads, if it does."""

    def __init__(self) -> None:
        self._world = ExitStack()
        self._led: Led | None = None

    def add_options(self, parser: LocustArgumentParser, **_: Any) -> None:
        """Locust shows these on its web page, the job excepted."""
        scenarios, stacks = (", ".join(shipped_files(kind)) for kind in ("scenarios", "stacks"))
        parser.add_argument("--scenario", default="outage", help=f"{scenarios}, or a .toml file.")
        parser.add_argument(
            "--stack", default="full", help=f"The stack under test: {stacks}, or a .toml file."
        )
        parser.add_argument("--trace", default="", help="A trace file, for scenarios that replay one.")
        parser.add_argument("--brownout-job", default="", include_in_web_ui=False, help="A job to play.")

    def test_start(self, environment: Environment, **_: Any) -> None:
        """Take the job, or make one: providers and a gateway start now."""
        options = environment.parsed_options
        assert options is not None
        try:
            if not isinstance(environment.runner, LocalRunner):
                raise InputError("--master, --worker, --processes: expected one Locust process, without them")
            if options.brownout_job:
                options.job = LoadJob.read(Path(options.brownout_job))
                gevent.spawn(quit_with_starter, environment.runner)
            else:
                options.job = self._lead(options)
            environment.host = options.job.url
        except (*BAD_INPUT, RunFailed) as error:
            options.job = None
            self._world.close()
            environment.process_exit_code = 2
            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback

    def _lead(self, options: Namespace) -> LoadJob:
        """A run of our own: everything started, ready to be played."""
        chosen = ["--scenario", options.scenario, "--stack", options.stack]
        run = RunOptions(
            scenario=options.scenario,
            stacks=(options.stack,),
            trace=Path(options.trace) if options.trace else None,
            command=shlex.join(["locust", "-f", "scenarios/locustfile.py", *chosen]),
        )
        spec = make_spec(run)
        started_at = datetime.now(UTC)  # noqa: TID251  # the only calendar time that is read: it names the run
        recording = Recording(spec, new_run_folder(run.out, spec.name, started_at), started_at)
        world = self._world.enter_context(RealWorld(spec, recording.logs))
        self._led = Led(recording, world, spec.subjects[0])
        return world.begin(spec.subjects[0])

    def test_stop(self, environment: Environment, **_: Any) -> None:
        """Write the run that this page led."""
        led, self._led = self._led, None
        if led is None:
            return
        with self._world:
            led.recording.add(led.subject, led.world.end(led.subject))
        try:
            led.recording.write()
        except RunFailed as error:
            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback
            return
        print(f"report: {led.recording.folder / 'report.html'}")  # noqa: T201  # where Locust's user looks
