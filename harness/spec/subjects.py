"""The subjects of a run, from the scenario's list or from the names on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..stack.assembly.base import NamedStacks, Origin, StackTables, read_tables
from .scenario import Scenario
from .shipped import find_file, shipped_files
from .subject import Subject, make_subject


def load_subjects(path: Path, scenario: Scenario, names: tuple[str, ...] = ()) -> tuple[Subject, ...]:
    """The subjects that `names` name, or else all of the scenario at `path`, in order.

    A name is a subject of the scenario, a shipped stack or client, or a path to a .toml file (from the
    scenario's folder, or else from the working directory). As a `base` a shipped name always means the
    shipped stack; other names mean a subject of the scenario, or a path.

    Raises InputError or ConfigError, one line, also for two subjects of one name.
    """
    tables = scenario_tables(path, scenario)
    named: NamedStacks = {**tables, **shipped_files("stacks")}
    every = [entry if isinstance(entry, str) else table_name(entry) for entry in scenario.subjects]
    subjects = tuple(_subject(name, path.parent, tables, named) for name in names or every)
    found = [subject.name for subject in subjects]
    if len(set(found)) < len(found):
        raise InputError(f"{path}: subjects: expected different names, got {', '.join(found)}")
    return subjects


def scenario_tables(path: Path, scenario: Scenario) -> dict[str, StackTables]:
    """The subjects that the scenario describes itself, by name."""
    return {
        table_name(entry): StackTables(
            {key: value for key, value in entry.items() if key != "name"}, Origin(path, f"subjects.{n}")
        )
        for n, entry in enumerate(scenario.subjects)
        if not isinstance(entry, str)
    }


def table_name(table: Mapping[str, Any]) -> str:
    """The name of a subject's table: `name`, or else the name of its `base`."""
    name: str = table.get("name") or Path(table["base"]).name.removesuffix(".toml")
    return name


def _subject(name: str, folder: Path, tables: Mapping[str, StackTables], named: NamedStacks) -> Subject:
    if name in tables:
        return make_subject(name, tables[name], named)
    path = _find(name, folder, tables)
    try:
        path.stem.encode()  # it names the subject in every table of the record
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: expected a file name in UTF-8") from error
    return make_subject(path.stem, read_tables(path), named)


def _find(name: str, folder: Path, tables: Mapping[str, StackTables]) -> Path:
    clients = shipped_files("subjects")
    if name in clients:
        return clients[name]
    try:
        return find_file("stacks", name, beside=folder)
    except InputError as error:
        own = f", a subject of the scenario: {', '.join(tables)}" if tables else ""
        raise InputError(f"{error}{own}, or a Python client: {', '.join(clients)}") from None
