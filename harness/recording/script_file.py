"""The recorded script: JSON lines, written as replies end."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from harness.errors import InputError

from .masks import masked

_MATCHING = ("model", "turn", "message", "after_tool")


class ScriptFile:
    """A new file of scripted replies; the first reply to requests that look alike is kept.

    `kept` and `repeated` count the entries written, and those left out since an equal request is in the file.
    Raises InputError when the file exists or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.kept = 0
        self.repeated = 0
        self._seen: set[bytes] = set()
        try:
            self._file = path.open("xb")
        except FileExistsError:
            raise InputError(f"--to {path}: expected a file that does not exist yet") from None
        except OSError as error:
            raise InputError(f"--to {path}: expected a file that can be written ({error.strerror})") from None

    def add(self, entry: dict[str, Any], secrets: Iterable[str]) -> None:
        """Write an entry without keys; an error's entry is written each time, since it is used up."""
        entry = masked(entry, tuple(secrets))
        identity = orjson.dumps({name: entry.get(name) for name in _MATCHING})
        if "fault" not in entry:
            if identity in self._seen:
                self.repeated += 1
                return
            self._seen.add(identity)
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()
        self.kept += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
