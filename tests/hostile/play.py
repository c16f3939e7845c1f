"""Plays hostile runs in virtual time, in this process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RunFailed
from harness.runs.run import Recording
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import make_spec
from harness.world.worlds import make_world
from tests.hostile.draws import HostileRun
from tests.hostile.holds import violations

STARTED_AT = datetime(2026, 1, 2, tzinfo=UTC)


def played(run: HostileRun, *, judged: bool = True) -> list[str]:
    """Play a run in virtual time and write its record; the promises that it breaks. `judged`: those of its
    verdict, too."""
    with _unchanged():
        folder = _recorded(run)
    return ["no record was written"] if folder is None else violations(folder, judged=judged)


def _recorded(run: HostileRun) -> Path | None:
    """The run's directory; None when nothing was recorded. Raises InputError where no call is planned."""
    spec = make_spec(RunOptions(scenario=str(run.scenario)))
    recording = Recording(spec, run.folder / "record", STARTED_AT)
    with make_world(spec, recording.logs) as world:
        for subject in spec.subjects:
            recording.add(subject, world.measure(subject, lambda *_: None))
            if recording.reason is not None:
                break
    try:
        return recording.record().path
    except RunFailed:
        return None


@contextmanager
def _unchanged() -> Iterator[None]:
    """Undo the traces that hostile clients leave in this process."""
    environ, limit, modules = dict(os.environ), sys.getrecursionlimit(), set(sys.modules)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environ)
        sys.setrecursionlimit(limit)
        for name in set(sys.modules) - modules:
            if name.startswith("brownout_subject"):
                del sys.modules[name]
