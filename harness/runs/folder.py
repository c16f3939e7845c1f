"""The directory of a run: made before the first call, by one run alone, on a disk that can hold it."""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ..errors import InputError

FREE_BYTES = 2_000_000
FREE_BYTES_PER_CALL = 500
"""Least free space at the start: logs, tables and the page; and a row of each table for each call."""
PROBE = b"\0" * 65_536


def make_run_folder(out: Path, name: str, started_at: datetime, calls: int = 0) -> Path:
    """Make a directory in `out` that no other run has: runs started in the same second get a number.

    Raises InputError when it cannot be made or written, or when the disk is too full for `calls` calls.
    """
    folder: Path | None = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = _exclusive(out, f"{name}-{started_at:%Y%m%d-%H%M%S}")
        _write_probe(folder)
        free = os.statvfs(folder)
    except OSError as error:
        _remove(folder)
        reason = error.strerror or str(error)
        raise InputError(f"--out {out}: expected a folder that can be written ({reason})") from error
    needed = FREE_BYTES + FREE_BYTES_PER_CALL * calls
    if free.f_bavail * free.f_frsize < needed:
        _remove(folder)
        raise InputError(f"--out {out}: expected {needed / 1e6:,.0f} MB of free space on its disk")
    return folder


def _exclusive(out: Path, name: str) -> Path:
    """A new directory. mkdir decides who was first; looking first would let two runs take the same name."""
    n = 1
    while True:
        folder = out / (name if n == 1 else f"{name}-{n}")
        try:
            folder.mkdir()
        except FileExistsError:
            n += 1
        else:
            return folder


def _write_probe(folder: Path) -> None:
    probe = folder / ".probe"
    try:
        probe.write_bytes(PROBE)
    finally:
        probe.unlink(missing_ok=True)


def _remove(folder: Path | None) -> None:
    """Remove a directory that no run uses; one with something in it stays."""
    if folder is not None:
        with suppress(OSError):
            folder.rmdir()
