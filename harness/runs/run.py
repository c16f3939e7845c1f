"""One run: subjects one after the other under the same plan and faults, then the record and the report."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from reports.analysis.analyse import Analysis, analyse, write_summary
from reports.analysis.calibration import ttft_error
from reports.page.html import write_report
from reports.record.manifest import Calibration, ClientError, Generator
from reports.record.run import Run, write_run
from reports.record.tables import to_frame, to_table

from ..errors import RunFailed
from ..spec.run_spec import RunSpec
from ..spec.subject import Subject
from ..world.world import Measured, OnProgress
from ..world.worlds import make_world
from .join import complete, join
from .manifest import manifest

TABLES = ("calls", "attempts", "ledger")


@dataclass(slots=True)
class Recording:
    """A run directory in the making: subjects are added as they are measured."""

    spec: RunSpec
    folder: Path
    started_at: datetime
    reason: str | None = None
    broken: bool = False
    _tables: dict[str, list[pa.Table]] = field(init=False, default_factory=lambda: {n: [] for n in TABLES})
    _generator: dict[str, Generator] = field(init=False, default_factory=dict)
    _calibration: dict[str, Calibration] = field(init=False, default_factory=dict)
    _client_errors: dict[str, tuple[ClientError, ...]] = field(init=False, default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where processes write what they have to say."""
        return self.folder / "logs"

    def add(self, subject: Subject, measured: Measured) -> None:
        """Take in one subject. `reason` then says why the run is a part of what was asked, if it is."""
        if measured.client or measured.reason is None:
            complete(self.spec.plan, measured)
            rows = join(subject.name, measured)
            tables = {name: to_table(name, getattr(rows, name)) for name in TABLES}
            for name, table in tables.items():
                self._tables[name].append(table)
            self._generator[subject.name] = Generator.model_validate(measured.generator)
            self._calibration[subject.name] = ttft_error(**{n: to_frame(of) for n, of in tables.items()})
            self._client_errors[subject.name] = tuple(map(ClientError.model_validate, measured.client_errors))
            self._write_log(subject.name, measured)
        self.reason, self.broken = measured.reason, measured.broken

    def _write_log(self, name: str, measured: Measured) -> None:
        """The first traceback of each kind of exception that the user's client raised."""
        if measured.client_errors:
            self.logs.mkdir(parents=True, exist_ok=True)
            texts = [
                f"{of['count']} × {of['exception']}, first in call {of['first_call']}\n{of['traceback']}"
                for of in measured.client_errors
            ]
            (self.logs / f"{name}.client.log").write_text("\n".join(texts), "utf-8")

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
                "status": "complete" if self.reason is None else "broken" if self.broken else "partial",
                "status_reason": self.reason,
                "generator": self._generator,
                "calibration": self._calibration,
                "client_errors": {name: each for name, each in self._client_errors.items() if each},
            }
        )
        return write_run(self.folder, about, *(pa.concat_tables(self._tables[name]) for name in TABLES))


def run(spec: RunSpec, folder: Path, started_at: datetime, on_progress: OnProgress) -> Analysis:
    """Measure every subject in the spec's world and write the run into `folder`.

    An interruption or a broken process ends the run early; what was measured is written and marked partial or
    broken. Raises RunFailed when nothing was measured, and when the record cannot be written.
    """
    try:
        return _run(spec, folder, started_at, on_progress)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunFailed(f"{folder}: the run cannot be written ({reason})") from error


def _run(spec: RunSpec, folder: Path, started_at: datetime, on_progress: OnProgress) -> Analysis:
    recording = Recording(spec, folder, started_at)
    with make_world(spec, recording.logs) as world:
        for subject in spec.subjects:
            recording.add(subject, world.measure(subject, on_progress))
            if recording.reason is not None:
                break
    return recording.write()
