"""State that survives a restart: the values under some keys, in a file of JSON lines `["key", [fields…]]`.

Every change is written at once, so a process that is killed loses nothing. It is synced to disk within
`sync_s` seconds, so a machine that loses power loses at most that much. A last line cut short by a crash is
ignored. When opened, and when it has grown long, the file is written anew, each key once: under another name,
synced, renamed. A second process that opens the same file is refused; the lock is a file beside it,
`NAME.lock`.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from ..core.errors import ConfigError
from .backend import Change, MemoryBackend, R

try:
    import fcntl
except ImportError:  # not a POSIX system: no lock
    fcntl = None  # type: ignore[assignment]

Restore = Callable[[list[Any]], Any]
"""From the fields of a value, as they were written, to the value. Raises `TypeError` or `ValueError`."""
MOST_LINES = 10_000
"""The file is written anew when this many changes have been appended to it."""


class DurableBackend(MemoryBackend):
    """Values in memory; those under keys with a prefix in `restore` (named tuples) also in the file `path`.

    Raises `ConfigError`, one line, if the file cannot be read or written, or is in use. If a write fails
    later, `update` undoes its change and raises `OSError`; a change by `post` stays in memory and is written
    with the next one.
    """

    def __init__(self, path: Path, restore: Mapping[str, Restore], sync_s: float = 1.0) -> None:
        super().__init__()
        self._path, self._restore, self._sync_s = path, restore, sync_s
        self._timer: asyncio.TimerHandle | None = None
        self._file: IO[bytes] | None = None
        self._lines = 0
        try:
            self._lock = _locked(path)
            try:
                self._values = self._read()
                self._rewrite()
            except BaseException:
                self._lock.close()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(f"{path}: expected a file that can be read and written, {reason}") from error

    async def update(self, key: str, change: Change[R]) -> R:
        """Apply `change`, and write the value if it is a durable one; never suspends."""
        before = self._values.get(key)
        value, answer = change(before)
        self._values[key] = value
        if value != before and self._is_durable(key):
            try:
                self._append(key)
            except OSError:
                self._values[key] = before
                raise
        return answer

    def post(self, key: str, change: Change[Any]) -> None:
        """Apply `change`, and write the value if it is a durable one."""
        before = self._values.get(key)
        self._values[key], _ = change(before)
        if self._values[key] != before and self._is_durable(key):
            with suppress(OSError):  # written with the next change: the file is written anew then
                self._append(key)

    def close(self) -> None:
        """Sync and close the file, and let other processes open it. Closing again does nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._sync()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_durable(self, key: str) -> bool:
        return key.startswith(tuple(self._restore))

    def _append(self, key: str) -> None:
        if self._file is None or self._lines >= MOST_LINES:
            self._rewrite()
            return
        line = _line(key, self._values[key])
        try:
            if self._file.write(line) != len(line):
                raise OSError("the disk is full")
        except OSError:
            self._file.close()  # it may end in a part of the line
            self._file = None
            raise
        self._lines += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._sync_s, self._sync)

    def _sync(self) -> None:
        self._timer = None
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError:  # what is on disk is unknown: written anew with the next change
            self._file.close()
            self._file = None

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        *lines, _ = self._path.read_bytes().split(b"\n")
        values: dict[str, Any] = {}
        for nth, line in enumerate(lines, 1):
            try:
                key, fields = orjson.loads(line)
                restore = next(self._restore[prefix] for prefix in self._restore if key.startswith(prefix))
                values[key] = restore(fields)
            except (ValueError, TypeError, AttributeError, StopIteration) as error:
                expected = 'expected a line such as ["key", [1, 2]]'
                raise ConfigError(f"{self._path}: line {nth}: {expected}, got {line[:80]!r}") from error
        return values

    def _rewrite(self) -> None:
        """Replace the file by one with a line for each durable key."""
        kept = {key: value for key, value in self._values.items() if self._is_durable(key)}
        unfinished = self._path.with_name(f".{self._path.name}.part")
        file = unfinished.open("wb", buffering=0)
        try:
            file.write(b"".join(_line(key, value) for key, value in kept.items()))
            os.fsync(file.fileno())
            unfinished.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError:
            file.close()
            raise
        if self._file is not None:
            self._file.close()
        self._file, self._lines = file, 0


def _line(key: str, value: Any) -> bytes:
    return orjson.dumps([key, list(value)], option=orjson.OPT_APPEND_NEWLINE)


def _sync_folder(folder: Path) -> None:
    """Make a renaming in it durable, where the system can."""
    if fcntl is not None:
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _locked(path: Path) -> IO[bytes]:
    """The lock file, held until it is closed; the system lets go of it when the process ends."""
    lock = path.with_name(f"{path.name}.lock").open("wb")
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise ConfigError(f"{path}: expected a file of its own, another process has it open") from None
    return lock
