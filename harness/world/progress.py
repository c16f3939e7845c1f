"""Progress of a load generator in another process, from the rows that it writes."""

from collections.abc import Callable
from pathlib import Path


class ProgressReader:
    """Counts finished and answered calls in a growing rows file, and reads each byte once."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report
        self._offset = 0
        self._done = 0
        self._answered = 0

    def read(self, rows: Path) -> None:
        """Read the rows written since the last call, and report (finished, answered)."""
        if rows.is_file():
            with rows.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._done += whole.count(b"\n")
            self._answered += whole.count(b'"outcome":"success"')
        self._report(self._done, self._answered)
