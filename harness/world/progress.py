"""How far a load generator in another process has come, from the rows it writes."""

from collections.abc import Callable
from pathlib import Path


class Tally:
    """Counts finished and answered calls in a growing rows file, reading each byte once."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._offset = 0
        self._done = 0
        self._answered = 0

    def read(self, rows: Path) -> None:
        """Take in what was written since the last time, and tell (finished, answered)."""
        if rows.is_file():
            with rows.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._done += whole.count(b"\n")
            self._answered += whole.count(b'"outcome":"success"')
        self._tell(self._done, self._answered)
