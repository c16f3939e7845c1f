"""The run record on disk: `run.json` and three Parquet tables, written whole and read strictly."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .manifest import Manifest, checked_manifest
from .schema import ADDED, ATTEMPTS, CALLS, LEDGER, SCHEMA_VERSION, SCHEMAS
from .tables import RecordError, Rows, to_frame, to_table
from .whole_file import write_whole

__all__ = [
    "ATTEMPTS",
    "CALLS",
    "LEDGER",
    "SCHEMA_VERSION",
    "RecordError",
    "Run",
    "read_run",
    "record_sha256",
    "write_run",
]


@dataclass(frozen=True, slots=True)
class Run:
    """One run as recorded. Frames have the columns of `reports.record.schema`, rows in written order."""

    path: Path
    manifest: Manifest
    calls: pd.DataFrame
    attempts: pd.DataFrame
    ledger: pd.DataFrame

    @property
    def subjects(self) -> list[str]:
        """Names in the manifest's order; the first is the baseline of every comparison."""
        return [subject.name for subject in self.manifest.subjects]


def write_run(
    path: Path | str, manifest: Manifest | Mapping[str, Any], calls: Rows, attempts: Rows, ledger: Rows
) -> Run:
    """Write a run directory (made when missing) and return it as read back from memory.

    Rows are dictionaries, frames or Arrow tables; `tables.to_table` checks them. `run.json` is written last,
    so a directory that has one is complete.
    """
    path = Path(path)
    checked = checked_manifest(manifest, "manifest")
    tables = {name: to_table(name, rows) for name, rows in _named(calls, attempts, ledger)}
    _check_subjects("manifest", checked, tables)
    path.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        unfinished = path / f".{name}.parquet.part"
        with unfinished.open("wb") as file:  # by its handle: Arrow takes only paths in UTF-8
            pq.write_table(table, file, compression="zstd")
        unfinished.replace(path / f"{name}.parquet")
    text = json.dumps(checked.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path / "run.json", text + "\n")
    return _run(path, checked, tables)


def read_run(path: Path | str) -> Run:
    """Read a run directory; `RecordError` of one line naming the file and what is wrong with it."""
    path = Path(path)
    if not path.is_dir():
        raise RecordError(f"{path}: not a run directory")
    manifest_path = path / "run.json"
    if not manifest_path.is_file():
        raise RecordError(f"{path}: not a run directory, it has no run.json")
    try:
        raw = json.loads(manifest_path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{manifest_path}: not JSON: {error}") from None
    manifest = checked_manifest(raw, str(manifest_path))
    tables = {name: _read_table(path / f"{name}.parquet", name) for name in SCHEMAS}
    _check_subjects(str(manifest_path), manifest, tables)
    return _run(path, manifest, tables)


def record_sha256(run: Run) -> str:
    """The SHA-256 of the three tables' content: 64 hex digits.

    It depends on the recorded values alone: not on the order of rows, the Parquet writer's version or
    anything in the manifest. A column of `ADDED` counts only if it is not null throughout. Each table is
    sorted by its columns in schema order (identity first) and hashed column by column as little-endian
    numbers, UTF-8 text, lengths and null masks.
    """
    digest = hashlib.sha256(b"brownout record 1")  # the version of this algorithm, not of the schema
    for name, frame in _named(run.calls, run.attempts, run.ledger):
        table = to_table(name, frame)
        scalars = [field.name for field in table.schema if not pa.types.is_list(field.type)]
        ordered = table.sort_by([(column, "ascending") for column in scalars])
        digest.update(f"{name} {len(ordered)}".encode())
        for field in ordered.schema:
            if field.name in ADDED.get(name, ()) and ordered[field.name].null_count == len(ordered):
                continue
            digest.update(f"{field.name} {field.type}".encode())
            for part in _canonical(ordered[field.name].combine_chunks()):
                digest.update(part)
    return digest.hexdigest()


def _canonical(column: pa.Array) -> Iterator[bytes]:
    """The bytes of a column's values, independent of the layout of Arrow's buffers."""
    yield np.packbits(column.is_null().to_numpy(zero_copy_only=False)).tobytes()
    if pa.types.is_string(column.type):
        texts = [text.encode() for text in column.fill_null("").to_pylist()]
        yield np.array([len(text) for text in texts], dtype="<i8").tobytes()
        yield b"".join(texts)
    elif pa.types.is_list(column.type):
        yield column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype("<i8").tobytes()
        yield _floats(column.flatten())
    elif pa.types.is_floating(column.type):
        yield _floats(column.fill_null(0.0))
    elif pa.types.is_boolean(column.type):
        yield column.fill_null(False).to_numpy(zero_copy_only=False).astype("u1").tobytes()
    else:
        yield column.fill_null(0).to_numpy(zero_copy_only=False).astype("<i8").tobytes()


def _floats(column: pa.Array) -> bytes:
    values: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False).astype("<f8")
    return (values + 0.0).tobytes()  # -0.0 and 0.0 hash alike


def _named(calls: Rows, attempts: Rows, ledger: Rows) -> list[tuple[str, Rows]]:
    return [("calls", calls), ("attempts", attempts), ("ledger", ledger)]


def _run(path: Path, manifest: Manifest, tables: Mapping[str, pa.Table]) -> Run:
    return Run(path, manifest, *(to_frame(tables[name]) for name in ("calls", "attempts", "ledger")))


def _read_table(path: Path, name: str) -> pa.Table:
    if not path.is_file():
        raise RecordError(f"{path}: missing from the run directory")
    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise RecordError(f"{path}: not a readable Parquet file: {str(error).splitlines()[0]}") from None
    schema = SCHEMAS[name]
    absent = [field for field in schema if field.name not in table.column_names]
    missing = [field.name for field in absent if field.name not in ADDED.get(name, ())]
    unknown = [column for column in table.column_names if column not in schema.names]
    if missing or unknown:
        problem = f"column {missing[0]!r} is missing" if missing else f"unknown column {unknown[0]!r}"
        raise RecordError(f"{path}: {problem}")
    for field in absent:  # the record is older than the column
        table = table.append_column(field, pa.nulls(len(table), field.type))
    try:
        return table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise RecordError(f"{path}: {str(error).splitlines()[0]}") from None


def _check_subjects(source: str, manifest: Manifest, tables: Mapping[str, pa.Table]) -> None:
    known = {subject.name for subject in manifest.subjects}
    for name, table in tables.items():
        for subject in table["subject"].unique().to_pylist():
            if subject not in known:
                raise RecordError(f"{source}: subjects does not list {subject!r}, which {name} has rows of")
