"""Plays steps with the real load generator against a mock provider of its own, without a stack between."""

from collections.abc import Sequence
from pathlib import Path

from reports.record.machine import CalibrationStep

from ..load.job import LoadJob
from ..load.plan_file import write_plan
from ..load.recorder import read_rows, unsent_row
from ..load.workload.catalogue import Question
from ..world.child import ChildServer
from ..world.locust_engine import play as play_job
from ..world.provider_keys import PROVIDER_KEY
from ..world.providers import Providers
from .ladders import Step, plan_of
from .measured import Row, measured_step

PROFILE = "steady"
SEED = 1
HOPELESS_S = 0.5
"""A call that is so much later than it should be ends its ladder: higher steps would be later."""
CALL_TIMEOUT_S = 10.0
DRAIN_S = 3.0


class _Enough(Exception):
    """The rest of the ladder need not be played."""


class Bench:
    """A mock provider in a process of its own, and the folder for its files and those of the generator."""

    def __init__(self, folder: Path, question: Question) -> None:
        self._folder = folder.absolute()
        self._question = question
        answers = self._folder / "answers.ndjson"
        answers.write_text(question.model_dump_json(exclude={"topic"}) + "\n", "utf-8")
        args = ["mock", "--profile", PROFILE, "--seed", str(SEED), "--answers", str(answers)]
        self._child = ChildServer(args, self._folder / "providers.log")

    def close(self) -> None:
        """Stop the provider. A second call does nothing."""
        self._child.stop()

    def play(self, name: str, steps: Sequence[Step]) -> list[CalibrationStep]:
        """Play the steps and measure each; ends early, with the steps begun so far, when calls get hopeless.

        Raises RunFailed when a process breaks.
        """
        plan, step_of = plan_of(steps, self._question)
        known_s = [steps[index].reply_s for index in step_of]
        write_plan(self._folder / f"{name}.plan.ndjson", plan)
        job = self._job(name)
        with Providers(self._child.ready) as providers:
            providers.reset(SEED, [])
            try:
                watch = _Watch(known_s)
                play_job(job, sum(step.takes_s for step in steps), self._folder, name, watch.look)
            except _Enough:
                pass
            ledger = {str(row["attempt_id"]): row for row in providers.settled_ledger()}
        rows = {row["n"]: row for row in read_rows(Path(job.rows))}
        played = [rows.get(call.n) or unsent_row(call, "lost") for call in plan]
        rows_of = [
            [row for row, of in zip(played, step_of, strict=True) if of == nth] for nth in range(len(steps))
        ]
        return [
            measured_step(step, own, ledger)
            for step, own in zip(steps, rows_of, strict=True)
            if any(row["started_s"] is not None for row in own)
        ]

    def _job(self, name: str) -> LoadJob:
        return LoadJob(
            url=self._child.ready["openai"],
            admin_url=self._child.ready["admin"],
            plan=str(self._folder / f"{name}.plan.ndjson"),
            rows=str(self._folder / f"{name}.rows.ndjson"),
            call_timeout_s=CALL_TIMEOUT_S,
            drain_s=DRAIN_S,
            api_key=PROVIDER_KEY,
        )


class _Watch:
    """Reads the rows as they are written, and raises `_Enough` at the first hopeless one."""

    def __init__(self, known_s: Sequence[float]) -> None:
        self._known_s = known_s
        self._read = 0

    def look(self, path: Path) -> None:
        rows = read_rows(path)
        for row in rows[self._read :]:
            if self._late_s(row) > HOPELESS_S:
                raise _Enough
        self._read = len(rows)

    def _late_s(self, row: Row) -> float:
        end_s = row["end_s"]
        return 0.0 if end_s is None else float(end_s - row["planned_s"] - self._known_s[row["n"]])
