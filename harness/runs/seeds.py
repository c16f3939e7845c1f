"""One scenario under many seeds, in virtual time, spread over the cores."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reports.analysis.analyse import summarise
from reports.analysis.summary import Summary

from ..errors import InputError
from ..spec.run_options import RunOptions
from ..spec.run_spec import RunSpec, make_spec
from ..world.worlds import make_world
from .run import Recording


def spec_of(options: RunOptions, seed: int) -> RunSpec:
    """The run under one seed, in virtual time."""
    return make_spec(options.model_copy(update={"engine": "virtual", "seed": seed}))


def summary_of(options: RunOptions, seed: int, started_at: datetime) -> Summary:
    """The summary of one seed; a module-level function, so that a process pool can run it."""
    spec = spec_of(options, seed)
    with TemporaryDirectory() as folder:
        recording = Recording(spec, Path(folder) / f"seed-{seed}", started_at)
        with make_world(spec, recording.logs) as world:
            for subject in spec.subjects:
                recording.add(subject, world.measure(subject, lambda *_: None))
        return summarise(recording.record())


def run_seeds(
    options: RunOptions,
    seeds: list[int],
    started_at: datetime,
    executor: Executor,
    on_done: Callable[[int, int], None],
) -> list[Summary]:
    """The summaries of all seeds, in the order of `seeds`, whatever order they finish in.

    `executor` is any of concurrent.futures; `on_done` gets (finished, total) as each finishes. An error in
    one seed is raised, and the seeds that have not started are cancelled.
    """
    if not seeds:
        raise InputError("--seeds: expected at least 1")
    futures: dict[Future[Summary], int] = {}
    with _cancelled_on_error(futures):
        for seed in seeds:
            futures[executor.submit(summary_of, options, seed, started_at)] = seed
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            on_done(done, len(seeds))
        return [future.result() for future in futures]


@contextmanager
def _cancelled_on_error(futures: dict[Future[Summary], int]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for future in futures:
            future.cancel()
        raise
