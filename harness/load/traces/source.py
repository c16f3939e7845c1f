"""A trace file as rows of raw values, whatever its format; and its errors as one line for the user."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from csv import Error as CsvError
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness.errors import InputError

from .formats import Layout
from .options import Role

EXPECTED_FILE = "expected a trace (CSV, JSONL or Parquet; CSV and JSONL may be gzipped)"


class RawRow(NamedTuple):
    """A row as it is written. `number` is for `Source.where`."""

    number: int
    values: dict[Role, Any]


class Source(Protocol):
    """An open trace. `layout` says which columns have which use."""

    layout: Layout

    def rows(self, from_ns: int | None = None) -> Iterator[RawRow]:
        """The rows in the file's order; those before `from_ns` (less the disorder allowed) may be missing."""
        ...

    def where(self, number: int) -> str:
        """The place of a row for an error: file and line."""
        ...


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Errors of reading `path` as InputError, one line."""
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file ({error}); {EXPECTED_FILE}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {EXPECTED_FILE}") from error
    except (UnicodeDecodeError, CsvError) as error:
        raise InputError(f"{path}: is not text in UTF-8 or not CSV; {EXPECTED_FILE}") from error
