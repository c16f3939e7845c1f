"""Checked Arrow tables from rows, and pandas frames from tables. Every recorded row passes `to_table`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .schema import IDENTITY, SCHEMAS, VOCABULARY

_Loose = Sequence[Mapping[str, Any]] | pd.DataFrame
Rows: TypeAlias = _Loose | pa.Table


class RecordError(ValueError):
    """A run record that cannot be written or read; the message is one line that names the place."""


def to_table(name: str, rows: Rows) -> pa.Table:
    """Rows of table `name` ("calls", "attempts", "ledger") as an Arrow table of exactly its schema.

    Rows are dictionaries, a frame, or a table of that schema. Missing columns that may be null are filled
    with nulls. An unknown column, a missing required column, a null where none may be, a value of the wrong
    type or outside the vocabulary, or a repeated identity is a `RecordError` that names the column.
    """
    table = _of_schema(name, rows)
    _check_vocabulary(name, table)
    _check_identity(name, table)
    return table


def _of_schema(name: str, rows: Rows) -> pa.Table:
    schema = SCHEMAS[name]
    if isinstance(rows, pa.Table):
        if not rows.schema.equals(schema):
            raise RecordError(f"{name}: expected a table of the record's schema")
        for field in schema:
            _check_nulls(name, field, rows[field.name])
        return rows
    _check_columns(name, schema, rows)
    return pa.Table.from_arrays([_array(name, field, rows) for field in schema], schema=schema)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame: nullable `Int64` and `boolean`, `float64` with NaN for null, `str`, and
    lists as arrays."""
    nullable: dict[pa.DataType, Any] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get)
    return frame


def _check_columns(name: str, schema: pa.Schema, rows: _Loose) -> None:
    present = (
        list(rows.columns)
        if isinstance(rows, pd.DataFrame)
        else list({key: None for row in rows for key in row})
    )
    unknown = [str(column) for column in present if column not in schema.names]
    if unknown:
        raise RecordError(f"{name}: unknown column {unknown[0]!r}, expected one of {', '.join(schema.names)}")
    required = [field.name for field in schema if not field.nullable]
    missing = [column for column in required if column not in present]
    if missing and len(rows):
        raise RecordError(f"{name}: column {missing[0]!r} is missing and may not be null")


def _array(name: str, field: pa.Field, rows: _Loose) -> pa.Array:
    try:
        array = _convert(field, rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise RecordError(f"{name}: column {field.name!r} must be {field.type}: {reason}") from None
    _check_nulls(name, field, array)
    return array


def _check_nulls(name: str, field: pa.Field, column: pa.Array | pa.ChunkedArray) -> None:
    if column.null_count and not field.nullable:
        row = int(pc.index(column.is_null(), True).as_py())
        raise RecordError(f"{name}: column {field.name!r} may not be null (row {row})")


def _convert(field: pa.Field, rows: _Loose) -> pa.Array:
    if isinstance(rows, pd.DataFrame):
        if field.name not in rows.columns:
            return pa.nulls(len(rows), field.type)
        converted = pa.array(rows[field.name], type=field.type, from_pandas=True)
        return converted.combine_chunks() if isinstance(converted, pa.ChunkedArray) else converted
    return pa.array([row.get(field.name) for row in rows], type=field.type, from_pandas=True)


def _check_vocabulary(name: str, table: pa.Table) -> None:
    for column, allowed in VOCABULARY[name].items():
        for value in pc.unique(table[column]).to_pylist():
            if value not in allowed:
                raise RecordError(
                    f"{name}: column {column!r} holds {value!r}, expected one of {', '.join(allowed)}"
                )


def _check_identity(name: str, table: pa.Table) -> None:
    keys = IDENTITY[name]
    if not keys or not len(table):
        return
    repeated = table.select(keys).to_pandas().duplicated().to_numpy()
    if repeated.any():
        row = int(np.argmax(repeated))
        subject, identity = (table[key][row].as_py() for key in keys)
        raise RecordError(f"{name}: {keys[1]} {identity!r} of subject {subject!r} appears twice")
