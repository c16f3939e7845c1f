"""Tables of a stack, laid over the tables of the stack that they are based on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.toml_file import read_toml
from ..core.errors import ConfigError
from ..money.price_list import NAMES


@dataclass(frozen=True, slots=True)
class Origin:
    """Where tables are written: a file, or the table `table` ("subjects.2") of a file."""

    path: Path
    table: str = ""

    def error(self, complaint: str) -> ConfigError:
        """`complaint` ("key: what was expected") as an error that names the file and the whole key."""
        key = complaint.removeprefix("(top level): ")
        if not self.table:
            return ConfigError(f"{self.path}: {complaint}")
        return ConfigError(f"{self.path}: {self.table}{'.' if key == complaint else ': '}{key}")


@dataclass(frozen=True, slots=True)
class StackTables:
    """The tables of one stack as they are written, `base` and `without` included."""

    values: Mapping[str, Any]
    origin: Origin


NamedStacks = Mapping[str, Path | StackTables]
"""Stacks that `base` finds by name from anywhere: their files, or their tables."""


def read_tables(path: Path) -> StackTables:
    """The tables of a stack file. Raises `ConfigError`."""
    return StackTables(read_toml(path), Origin(path))


def flattened(tables: StackTables, named: NamedStacks) -> dict[str, Any]:
    """The tables laid over those of their base, and of its base; `base` and `without` are gone.

    `base` is a name in `named`, or else a path from the folder of the file that says it, with or without
    `.toml`. A table is merged key by key; any other value, a list too, replaces the base's. `without` names
    tables of the base that are left out. Paths of price tables become paths from the working directory.
    Raises `ConfigError` for a base that does not exist or that is based on these tables.
    """
    return _flattened(tables, named, ())


def _flattened(tables: StackTables, named: NamedStacks, above: tuple[Origin, ...]) -> dict[str, Any]:
    values, origin = dict(tables.values), tables.origin
    name, without = values.pop("base", None), values.pop("without", [])
    _resolve_prices(values, origin.path.parent)
    if not isinstance(without, list):
        raise origin.error(f"without: expected a list of tables of {name}, got {without!r}")
    if name is None:
        if without:
            raise origin.error("without: expected a base to take tables from, found none")
        return values
    base = _base(name, origin, named)
    if base.origin in (*above, origin):
        raise origin.error(f"base: expected a stack that is not based on this one, got {name!r}")
    below = _flattened(base, named, (*above, origin))
    for table in without:
        if table not in below:
            raise origin.error(f"without: expected tables of {name}, got {table!r}")
        del below[table]
    return _merged(below, values)


def _base(name: Any, origin: Origin, named: NamedStacks) -> StackTables:
    found = named.get(name) if isinstance(name, str) else None
    if found is None and isinstance(name, str):
        path = origin.path.parent / (name if name.endswith(".toml") else f"{name}.toml")
        found = path if path.is_file() else None
    if found is None:
        known = f" or one of {', '.join(named)}" if named else ""
        raise origin.error(f"base: expected a path to a stack's .toml file{known}, got {name!r}")
    return read_tables(found) if isinstance(found, Path) else found


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _resolve_prices(values: dict[str, Any], folder: Path) -> None:
    """The path of a price table starts at the folder of the file that names it."""
    cost = values.get("cost")
    prices = cost.get("prices") if isinstance(cost, dict) else None
    if isinstance(prices, str) and prices not in NAMES:
        values["cost"] = {**values["cost"], "prices": str(folder / prices)}
