"""The real world: providers, gateways and Locust in separate processes, on loopback sockets.

The code is synchronous, so that both the command line and a Locust process can use it.
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from harness.errors import RunFailed
from harness.load.job import LoadJob
from harness.load.plan_file import write_plan
from harness.load.recorder import read_rows
from harness.spec.answers import write_catalogue
from harness.spec.run_spec import RunSpec
from harness.spec.subject import Subject
from harness.stack.config.toml_file import format_toml

from .child import ChildServer
from .locust_engine import play
from .progress import ProgressReader
from .provider_keys import PROVIDER_KEY, named_keys
from .providers import Providers
from .world import Measured, OnProgress


class RealWorld:
    """One process of providers for the whole run, a gateway and a Locust process for each subject.

    Logs and stack files stay in `folder`; jobs, plan and raw rows are removed when the world ends.
    """

    def __init__(self, spec: RunSpec, folder: Path) -> None:
        self._spec = spec
        self._folder = folder.absolute()  # an argument of child processes, where "-x" would be an option
        self._open = ExitStack()
        self._gateway: ChildServer | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_plan(self._folder / "plan.ndjson", self._spec.plan)
        scenario = self._spec.scenario
        args = ["mock", "--profile", scenario.profile, "--seed", str(self._spec.seed)]
        answers = self._folder / "answers.ndjson"
        write_catalogue(self._spec.workload, answers)
        args += ["--answers", str(answers)]
        child = self._open.enter_context(ChildServer(args, self._folder / "providers.log"))
        self._providers = self._open.enter_context(Providers(child.ready))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        for raw in [*self._folder.glob("*.ndjson"), *self._folder.glob("*.json")]:
            raw.unlink()

    def measure(self, subject: Subject, on_progress: OnProgress) -> Measured:
        """Let Locust play the plan. An interruption or a broken process ends it early; its rows are kept."""
        planned = len(self._spec.plan)
        progress = ProgressReader(lambda done, answered: on_progress(subject.name, done, planned, answered))
        reason: str | None = None
        broken = True
        try:
            job = self.begin(subject)
            play(job, self._spec.duration_s, self._folder, subject.name, progress.read)
            progress.read(Path(job.rows))
            if self._gateway is not None:
                self._gateway.check()
        except KeyboardInterrupt:
            reason, broken = f"interrupted during {subject.name}", False
        except RunFailed as error:
            reason = str(error)
        measured = self.end(subject)
        measured.reason = reason or measured.reason
        measured.broken = broken and measured.reason is not None
        return measured

    def begin(self, subject: Subject) -> LoadJob:
        """Reset the providers, start the subject's gateway; returns the job for a load generator."""
        seed = self._spec.draw_seed(subject)
        self._providers.reset(seed, self._spec.faults)
        facts = str(self._raw(subject, "facts"))
        args = ["gateway", str(self._stack_file(subject)), "--seed", str(seed), "--facts", facts]
        env = {f"{name.upper()}_BASE_URL": url for name, url in self._providers.urls.items()}
        env |= {f"{name.upper()}_API_KEY": PROVIDER_KEY for name in self._providers.urls}
        env |= {
            f"{provider}_API_KEY_{name}".upper(): key
            for provider in self._providers.urls
            for name, key in named_keys(subject, provider).items()
        }
        log = self._folder / f"{subject.name}.gateway.log"
        self._gateway = self._open.enter_context(ChildServer(args, log, env))
        total_s = subject.total_s
        return LoadJob(
            url=self._gateway.ready["url"],
            admin_url=self._providers.admin_url,
            plan=str(self._folder / "plan.ndjson"),
            rows=str(self._raw(subject, "rows")),
            call_timeout_s=total_s + 5.0,
            drain_s=min(self._spec.scenario.drain_s, total_s + 5.0),
        )

    def end(self, subject: Subject) -> Measured:
        """Stop the gateway and collect all rows. Without rows for a subject that never began."""
        gateway, self._gateway = self._gateway, None
        if gateway is None:
            return Measured(reason=f"{subject.name} did not start")
        gateway.stop()
        measured = Measured(
            client=read_rows(self._raw(subject, "rows")), facts=read_rows(self._raw(subject, "facts"))
        )
        notes = self._notes(subject)
        measured.t0_s = notes.get("t0_s", 0.0)
        measured.generator = {"cpu_percent_max": notes.get("cpu_percent_max")}
        measured.started = notes.get("started", None if "t0_s" in notes else 0)
        if not notes.get("finished"):
            measured.reason = "stopped before the plan was played"
        if notes.get("write_error") is not None:
            measured.reason = f"the load generator could not write its rows: {notes['write_error']}"
            measured.broken = True
        try:
            measured.ledger = self._providers.settled_ledger()
        except RunFailed as error:
            measured.reason, measured.broken = f"the providers died: {error}", True
            measured.generator["ledger_lost"] = True
        return measured

    def _stack_file(self, subject: Subject) -> Path:
        """The subject's own file; the tables of a scenario's subject are written to one for its gateway."""
        if subject.tables is None:
            return subject.path
        path = self._folder / f"{subject.name}.stack.toml"
        path.write_text(format_toml(subject.tables), encoding="utf-8")
        return path

    def _notes(self, subject: Subject) -> dict[str, Any]:
        path = self._raw(subject, "rows").with_suffix(".notes.json")
        notes: dict[str, Any] = orjson.loads(path.read_bytes()) if path.is_file() else {}
        return notes

    def _raw(self, subject: Subject, what: str) -> Path:
        return self._folder / f"{subject.name}.{what}.ndjson"
