"""One run: subjects one after the other under the same plan and faults, then the record and the report."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from reports.analysis.analyse import Analysis, analyse, write_summary
from reports.analysis.calibration import ttft_error
from reports.page.html import write_report
from reports.record.manifest import Calibration, Generator
from reports.record.run import Run, write_run
from reports.record.tables import to_frame, to_table

from ..errors import RunFailed
from ..spec.run_spec import RunSpec
from ..spec.subject import Subject
from ..world.world import Measured, OnProgress
from ..world.worlds import make_world
from .join import join
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
    _generator: dict[str, Generator] = field(init=False, default_factory=dict)
    _calibration: dict[str, Calibration] = field(init=False, default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where processes write what they have to say."""
        return self.folder / "logs"

    def add(self, subject: Subject, measured: Measured) -> None:
        """Take in one subject. `reason` then says why the run is a part of what was asked, if it is."""
        if measured.client or measured.reason is None:
            rows = join(subject.name, measured)
            tables = {name: to_table(name, getattr(rows, name)) for name in TABLES}
            for name, table in tables.items():
                self._tables[name].append(table)
            self._generator[subject.name] = Generator.model_validate(measured.generator)
            self._calibration[subject.name] = ttft_error(**{n: to_frame(of) for n, of in tables.items()})
        self.reason = measured.reason

    def write(self) -> Analysis:
        """Write the record, its summary and its report, all from one analysis. Raises RunFailed when nothing
        was measured."""
        analysis = analyse(self.record())
        write_summary(analysis)
        write_report(analysis)
        return analysis

    def record(self) -> Run:
        """Write the record alone. Raises RunFailed when nothing was measured."""
        if not self._generator:
            raise RunFailed(f"nothing was measured: {self.reason}")
        about = manifest(self.spec, list(self._generator), self.folder.name, self.started_at)
        about = about.model_copy(
            update={
                "status": "complete" if self.reason is None else "partial",
                "status_reason": self.reason,
                "generator": self._generator,
                "calibration": self._calibration,
            }
        )
        return write_run(self.folder, about, *(pa.concat_tables(self._tables[name]) for name in TABLES))


def new_run_folder(out: Path, name: str, started_at: datetime) -> Path:
    """A directory in `out` that does not exist yet: runs started in the same second get a number."""
    first = out / f"{name}-{started_at:%Y%m%d-%H%M%S}"
    folder, n = first, 1
    while folder.exists():
        n += 1
        folder = first.with_name(f"{first.name}-{n}")
    return folder


def run(spec: RunSpec, folder: Path, started_at: datetime, on_progress: OnProgress) -> Analysis:
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
