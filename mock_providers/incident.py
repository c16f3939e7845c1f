"""Named incidents: a real outage of a provider as a fault schedule.

An incident is a TOML file: `title`, `description`, `source`, and `[[faults]]` with t = 0 at its beginning.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from .exchange.options import Options
from .exchange.validation import one_line
from .faults import Fault


class IncidentError(Exception):
    """An incident that cannot be used; one line: file, key and what was expected."""


class Incident(Options):
    """An incident: its description, its source, and the faults that reproduce it."""

    title: Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")]
    description: str
    source: str
    faults: Annotated[tuple[Fault, ...], Field(min_length=1, strict=False)]


def load_incident(name_or_path: str | Path) -> Incident:
    """A shipped incident by name, or a user's own by path (`./mine.toml`); raises IncidentError."""
    name = str(name_or_path)
    if not name.endswith(".toml"):
        if name not in shipped_incidents():
            known = ", ".join(shipped_incidents())
            raise IncidentError(f"incident {name!r}: expected one of {known}, or a path that ends in .toml")
        text = (resources.files(__package__) / "incidents" / f"{name}.toml").read_text("utf-8")
        return _parse(text, f"{name}.toml")
    try:
        return _parse(Path(name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise IncidentError(f"{name}: expected a readable incident ({reason})") from None


def shipped_incidents() -> tuple[str, ...]:
    """The names of the incidents that come with the package."""
    files = (resources.files(__package__) / "incidents").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def _parse(text: str, source: str) -> Incident:
    try:
        return Incident.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise IncidentError(f"{source}: expected TOML: {error}") from None
    except ValidationError as error:
        raise IncidentError(f"{source}: {one_line(error)}") from None
