"""`brownout list`: everything that other commands take by name, one line each."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import orjson
import typer

from harness.spec.shipped import ShippedKind, shipped_files
from harness.stack.config.toml_file import read_toml

from .terminal import bold, print_line, terminal


class Kind(StrEnum):
    """Kinds of things to list."""

    SCENARIOS = "scenarios"
    STACKS = "stacks"
    SUBJECTS = "subjects"
    PROFILES = "profiles"
    FAULTS = "faults"
    INCIDENTS = "incidents"


def list_things(
    kind: Annotated[Kind | None, typer.Argument(help="List only these.", show_default="all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List scenarios, stacks, clients, provider profiles, fault kinds and incidents, one line each.

    Examples:

        brownout list

        brownout list faults
    """
    shown = {kind.value: dict(_entries(kind)) for kind in ([kind] if kind else list(Kind))}
    if as_json:
        typer.echo(orjson.dumps(shown).decode())
        return
    console = terminal()
    for heading, entries in shown.items():
        print_line(console, bold(heading))
        width = max(map(len, entries), default=0)
        for name, line in entries.items():
            print_line(console, f"  {name:<{width}}  {line}")


def _entries(kind: Kind) -> Iterator[tuple[str, str]]:
    from mock_providers import (
        describe_faults,
        load_incident,
        load_profile,
        shipped_incidents,
        shipped_profiles,
    )

    match kind:
        case Kind.SCENARIOS:
            yield from _shipped("scenarios")
        case Kind.STACKS:
            yield from _shipped("stacks")
        case Kind.SUBJECTS:
            yield from _shipped("subjects")
        case Kind.PROFILES:
            yield from ((name, load_profile(name).title) for name in shipped_profiles())
        case Kind.FAULTS:
            yield from describe_faults().items()
        case Kind.INCIDENTS:
            yield from ((name, load_incident(name).title) for name in shipped_incidents())


def _shipped(kind: ShippedKind) -> Iterator[tuple[str, str]]:
    for name, path in shipped_files(kind).items():
        values = read_toml(path)
        yield name, str(values.get("description") or values.get("title") or "")
