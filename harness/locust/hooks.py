"""Locust's event hooks: play a job of `brownout run`, or a whole run started on Locust's web page."""

import logging
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.os import tp_read
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner

from ..errors import InputError, RunFailed
from ..load.job import LoadJob
from ..spec.shipped import shipped_files

if TYPE_CHECKING:
    from .own_run import OwnRun


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


class Hooks:
    """Listeners of Locust's events, and the run of this process if it plays one on its own."""

    def __init__(self) -> None:
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
        options.job = None
        try:
            if not isinstance(environment.runner, LocalRunner):
                raise InputError("--master, --worker, --processes: expected one Locust process, without them")
            if options.brownout_job:
                options.job = LoadJob.read(Path(options.brownout_job))
                gevent.spawn(quit_with_starter, environment.runner)
            else:
                options.job = self._start_run(options)
            environment.host = options.job.url
        except Exception as error:
            from ..input_errors import INPUT_ERRORS, one_line

            if not isinstance(error, (*INPUT_ERRORS, RunFailed)):
                raise
            environment.process_exit_code = 2
            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback

    def _start_run(self, options: Namespace) -> LoadJob:
        from .own_run import OwnRun

        run = OwnRun(options)
        job = run.start()
        self._run = run
        return job

    def test_stop(self, environment: Environment, **_: Any) -> None:
        """Write the run of this process, if there is one."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            if not run.finish():
                environment.process_exit_code = 1
        except RunFailed as error:
            from ..input_errors import one_line

            print(one_line(error), file=sys.stderr)  # noqa: T201  # Locust would log a traceback
            environment.process_exit_code = 1
