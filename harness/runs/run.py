"""One run: subjects one after the other under the same plan and faults, then the record and the report."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from reports.analysis.calibration import ttft_error
from reports.analysis.summary import write_summary
from reports.page.html import write_report
from reports.record.run import Run, write_run
from reports.record.tables import to_frame, to_table

from ..errors import RunFailed
from ..spec.run_spec import RunSpec
from ..spec.subject import Subject
from ..world.world import Measured, OnProgress
from ..world.worlds import make_world
from .join import collect
from .manifest import manifest

TABLES = ("calls", "attempts", "ledger")


@dataclass(slots=True)
class Recording:
    """A run directory in the making: subjects are added as they are measured."""

    spec: RunSpec
    folder: Path
    started_at: datetime
    reason: str | None = None
    _tables: dict[str, list[pa.Table]] = field(init=False, default_factory=lambda: {n: [] for n in TABLES})
    _generator: dict[str, Any] = field(init=False, default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where processes write what they have to say."""
        return self.folder / "logs"

    def add(self, subject: Subject, measured: Measured) -> None:
        """Take in one subject. `reason` then says why the run is a part of what was asked, if it is."""
        if measured.client or measured.reason is None:
            collected = collect(subject.name, measured)
            for name in TABLES:
                self._tables[name].append(to_table(name, getattr(collected, name)))
            self._generator[subject.name] = measured.generator
        self.reason = measured.reason

    def write(self) -> Run:
        """The record, its summary, its report. Raises RunFailed when nothing at all was measured."""
        run = self.record()
        write_summary(self.folder)
        write_report(self.folder)
        return run

    def record(self) -> Run:
        """The record alone."""
        if not self._generator:
            raise RunFailed(f"nothing was measured: {self.reason}")
        frames = [to_frame(pa.concat_tables(self._tables[name])) for name in TABLES]
        about = manifest(self.spec, list(self._generator), self.folder.name, self.started_at) | {
            "status": "complete" if self.reason is None else "partial",
            "status_reason": self.reason,
            "generator": self._generator,
        }
        run = write_run(self.folder, about, *frames)
        about["calibration"] = _calibration(run)
        return write_run(self.folder, about, run.calls, run.attempts, run.ledger)


def _calibration(run: Run) -> dict[str, Any]:
    tables = (run.calls, run.attempts, run.ledger)
    return {name: ttft_error(*(table[table["subject"] == name] for table in tables)) for name in run.subjects}


def new_run_folder(out: Path, name: str, started_at: datetime) -> Path:
    """A directory in `out` that does not exist yet: runs started in the same second get a number."""
    first = out / f"{name}-{started_at:%Y%m%d-%H%M%S}"
    folder, n = first, 1
    while folder.exists():
        n += 1
        folder = first.with_name(f"{first.name}-{n}")
    return folder


def run(spec: RunSpec, folder: Path, started_at: datetime, on_progress: OnProgress) -> Run:
    """Measure every subject in the spec's world and write the run into `folder`.

    An interruption or a broken process ends the run early; what was measured is written and marked partial.
    Raises RunFailed when nothing was measured.
    """
    recording = Recording(spec, folder, started_at)
    with make_world(spec, recording.logs) as world:
        for subject in spec.subjects:
            recording.add(subject, world.measure(subject, on_progress))
            if recording.reason is not None:
                break
    return recording.write()
