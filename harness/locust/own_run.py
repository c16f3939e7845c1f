"""A run that a Locust process plays on its own: `locust -f scenarios/locustfile.py`.

Apart from the hooks, so that a process that plays a job imports neither the stack's servers nor the report.
"""

import shlex
from argparse import Namespace
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from ..load.job import LoadJob
from ..runs.folder import make_run_folder
from ..runs.run import Recording
from ..spec.run_options import RunOptions
from ..spec.run_spec import make_spec
from ..world.real import RealWorld


class OwnRun:
    """Providers and a gateway, from `start` to `finish`."""

    def __init__(self, options: Namespace) -> None:
        chosen = ["--scenario", options.scenario, "--stack", options.stack]
        run_options = RunOptions(
            scenario=options.scenario,
            stacks=(options.stack,),
            trace=Path(options.trace) if options.trace else None,
            command=shlex.join(["locust", "-f", "scenarios/locustfile.py", *chosen]),
        )
        self._spec = make_spec(run_options)
        started_at = datetime.now(UTC)  # noqa: TID251  # the only calendar time that is read: it names the run
        folder = make_run_folder(run_options.out, self._spec.name, started_at, len(self._spec.plan))
        self._recording = Recording(self._spec, folder, started_at)
        self._open = ExitStack()

    def start(self) -> LoadJob:
        """Start everything; returns the job to play. Raises an input error or RunFailed."""
        try:
            self._world = self._open.enter_context(RealWorld(self._spec, self._recording.logs))
            return self._world.begin(self._spec.subjects[0])
        except BaseException:
            self._open.close()
            raise

    def finish(self) -> bool:
        """Stop everything, write the run, and print its reasons and its report; whether the run is valid.

        Raises RunFailed when nothing was measured.
        """
        with self._open:
            subject = self._spec.subjects[0]
            self._recording.add(subject, self._world.end(subject))
        summary = self._recording.write().summary
        for reason in summary.validity.reasons:
            print(f"{reason.level}: {reason.text}")  # noqa: T201  # where Locust's user looks
        print(f"report: {self._recording.folder / 'report.html'}")  # noqa: T201  # where Locust's user looks
        return summary.valid
