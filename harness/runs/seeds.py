"""The same scenario under many seeds, spread over the cores, in virtual time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reports.analysis.summary import summarise

from ..errors import InputError
from ..spec.run_spec import RunSpec, make_spec
from ..world.worlds import make_world
from .run import Recording


@dataclass(frozen=True, slots=True)
class SeedRequest:
    """What a worker needs to make the spec itself: names, paths and numbers, so that it travels anywhere."""

    scenario: str
    duration_s: float | None
    stacks: tuple[str, ...]
    trace: Path | None
    incident: str | None
    started_at: datetime
    command: str
    questions: Path | None = None

    def spec(self, seed: int) -> RunSpec:
        """The whole run under one seed."""
        return make_spec(
            self.scenario,
            engine="virtual",
            seed=seed,
            duration_s=self.duration_s,
            stacks=self.stacks,
            trace=self.trace,
            incident=self.incident,
            questions=self.questions,
            command=self.command,
        )


def summary_of(request: SeedRequest, seed: int) -> dict[str, Any]:
    """One seed from beginning to end; a module-level function, so that any executor can take it."""
    spec = request.spec(seed)
    with TemporaryDirectory() as folder:
        recording = Recording(spec, Path(folder) / f"seed-{seed}", request.started_at)
        with make_world(spec, recording.logs) as world:
            for subject in spec.subjects:
                recording.add(subject, world.measure(subject, lambda *_: None))
        return summarise(recording.record())


def run_seeds(
    request: SeedRequest, seeds: list[int], executor: Executor, on_done: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """The summaries of all seeds, in the order of `seeds`, whatever order they finish in.

    `executor` may be any of concurrent.futures' kind; `on_done` gets (finished, of) as they finish. An error
    in one seed is raised, and the seeds that have not begun are dropped.
    """
    if not seeds:
        raise InputError("--seeds: expected at least 1")
    futures: dict[Future[dict[str, Any]], int] = {}
    with _dropping(futures):
        for seed in seeds:
            futures[executor.submit(summary_of, request, seed)] = seed
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            on_done(done, len(seeds))
        return [future.result() for future in futures]


@contextmanager
def _dropping(futures: dict[Future[dict[str, Any]], int]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for future in futures:
            future.cancel()
        raise
