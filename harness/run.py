"""One run: subjects one after the other under the same plan and faults, then the record and the report.

`Session` is the run's life step by step, so that the command line and a Locust web page can both lead it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from reports.calibration import ttft_error
from reports.html import write_report
from reports.record import Run, write_run
from reports.summary import write_summary

from .collect import Collected, collect
from .errors import RunFailed
from .load.job import Job
from .load.plan_file import write_plan
from .load.recorder import read_rows
from .manifest import manifest
from .spec import RunSpec, Subject
from .world.child import Child
from .world.locust_engine import play
from .world.real import Providers, RealWorld

OnProgress = Callable[[str, int, int, int], None]
"""(subject, calls finished, calls planned, calls answered)"""


@dataclass(slots=True)
class Session:
    """A run directory being filled. Use as a context manager: its end is the end of every child process."""

    spec: RunSpec
    folder: Path
    started_at: datetime
    _world: RealWorld = field(init=False)
    _providers: Providers = field(init=False)
    _gateway: Child | None = field(init=False, default=None)
    _job: Job | None = field(init=False, default=None)
    _collected: list[Collected] = field(init=False, default_factory=list)
    generator: dict[str, Any] = field(init=False, default_factory=dict)

    @property
    def workshop(self) -> Path:
        """Where logs, jobs and raw rows lie while the run goes on; the logs stay."""
        return self.folder / "logs"

    def __enter__(self) -> Self:
        spec = self.spec
        self.workshop.mkdir(parents=True)
        write_plan(self.workshop / "plan.ndjson", spec.plan)
        self._world = RealWorld(self.workshop)
        self._world.__enter__()
        try:
            self._providers = self._world.providers(
                profile=spec.scenario.profile, seed=spec.seed, answers=spec.workload.catalogue
            )
        except BaseException:
            self._world.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.__exit__(kind, error, trace)

    def begin(self, subject: Subject) -> Job:
        """Providers as new, the subject's gateway up: what a load generator needs to know."""
        faults = [fault.model_dump(mode="json") for fault in self.spec.scenario.faults]
        self._providers.reset(self.spec.seed, faults)
        self._gateway = self._world.gateway(
            stack=subject.path,
            providers=self._providers,
            seed=self.spec.seed,
            facts=self._raw(subject, "facts"),
            log=self.workshop / f"{subject.name}.gateway.log",
        )
        total_s = subject.options.deadlines.total_s
        self._job = Job(
            url=self._gateway.ready["url"],
            admin_url=str(self._providers.admin.base_url),
            plan=str(self.workshop / "plan.ndjson"),
            rows=str(self._raw(subject, "rows")),
            call_timeout_s=total_s + 5.0,
            drain_s=min(self.spec.scenario.drain_s, total_s + 5.0),
        )
        return self._job

    def check(self) -> None:
        """Raises RunFailed when the gateway has died under the load."""
        if self._gateway is not None:
            self._gateway.check()

    def end(self, subject: Subject) -> None:
        """The gateway down, everybody's rows collected. Does nothing for a subject that never began.

        Raises RunFailed, after collecting the rest, when the providers no longer answer.
        """
        gateway, self._gateway = self._gateway, None
        if gateway is None or self._job is None:
            return
        gateway.stop()
        try:
            ledger = self._providers.settled_ledger()
        except RunFailed:
            self._collect(subject, self._job, [])
            raise
        self._collect(subject, self._job, ledger)

    def _collect(self, subject: Subject, job: Job, ledger: list[dict[str, Any]]) -> None:
        notes = orjson.loads(job.notes.read_bytes()) if job.notes.is_file() else {}
        client = read_rows(Path(job.rows))
        facts = read_rows(self._raw(subject, "facts"))
        self._collected.append(collect(subject.name, notes.get("t0_s", 0.0), client, facts, ledger))
        self.generator[subject.name] = {
            "cpu_percent_max": notes.get("cpu_percent_max"),
            "finished": notes.get("finished", False),
        }

    def write(self, reason: str | None = None) -> Run:
        """The record, its summary, its report; `reason` says why the run is a part of what was asked."""
        calls = [row for part in self._collected for row in part.calls]
        attempts = [row for part in self._collected for row in part.attempts]
        ledger = [row for part in self._collected for row in part.ledger]
        about = manifest(self.spec, list(self.generator), self.folder.name, self.started_at) | {
            "status": "complete" if reason is None else "partial",
            "status_reason": reason,
            "generator": self.generator,
        }
        run = write_run(self.folder, about, calls, attempts, ledger)
        measured = {
            name: ttft_error(
                *(table[table["subject"] == name] for table in (run.calls, run.attempts, run.ledger))
            )
            for name in self.generator
        }
        run = write_run(self.folder, about | {"calibration": measured}, run.calls, run.attempts, run.ledger)
        write_summary(self.folder)
        write_report(self.folder)
        for raw in [*self.workshop.glob("*.ndjson"), *self.workshop.glob("*.json")]:
            raw.unlink()
        return run

    def _raw(self, subject: Subject, what: str) -> Path:
        return self.workshop / f"{subject.name}.{what}.ndjson"


def new_run_folder(out: Path, name: str, started_at: datetime) -> Path:
    """A directory in `out` that does not exist yet: runs started in the same second get a number."""
    first = out / f"{name}-{started_at:%Y%m%d-%H%M%S}"
    folder, n = first, 1
    while folder.exists():
        n += 1
        folder = first.with_name(f"{first.name}-{n}")
    return folder


def run(spec: RunSpec, folder: Path, started_at: datetime, on_progress: OnProgress) -> str | None:
    """Play every subject and write the run into `folder`. Returns why it is partial, or None if it is whole.

    An interruption (KeyboardInterrupt) or a broken generator ends the run early and keeps what was measured.
    """
    reason: str | None = None
    with Session(spec, folder, started_at) as session:
        for subject in spec.subjects:
            reason = _play(session, subject, on_progress)
            if reason is not None:
                break
        if not session.generator:
            raise RunFailed(f"nothing was measured: {reason}; logs are in {session.workshop}")
        session.write(reason)
    return reason


def _play(session: Session, subject: Subject, on_progress: OnProgress) -> str | None:
    planned = len(session.spec.plan)
    tally = Tally(planned, lambda done, answered: on_progress(subject.name, done, planned, answered))
    reason: str | None = None
    try:
        job = session.begin(subject)
        play(job, session.spec.duration_s, session.workshop, subject.name, tally.read)
        tally.read(Path(job.rows))
        session.check()
    except KeyboardInterrupt:
        reason = f"interrupted during {subject.name}"
    except RunFailed as error:
        reason = str(error)
    try:
        session.end(subject)
    except RunFailed as error:
        reason = reason or str(error)
    return reason


class Tally:
    """Counts finished and answered calls in a growing rows file, reading each byte once."""

    def __init__(self, planned: int, tell: Callable[[int, int], None]) -> None:
        self._planned = planned
        self._tell = tell
        self._offset = 0
        self._done = 0
        self._answered = 0

    def read(self, rows: Path) -> None:
        """Take in what was written since the last time, and tell."""
        if rows.is_file():
            with rows.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._done += whole.count(b"\n")
            self._answered += whole.count(b'"outcome":"success"')
        self._tell(self._done, self._answered)
