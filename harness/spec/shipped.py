"""Finding what a user names: a scenario or a stack is a path, or the name of one that comes along."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from ..errors import InputError

Shelf = Literal["scenarios", "stacks", "subjects"]
_FOLDERS: dict[Shelf, str] = {"scenarios": ".", "stacks": "stacks", "subjects": "subjects"}


def shelf(kind: Shelf) -> Path:
    """The folder of the scenarios, stacks or other subjects that come along."""
    return Path(str(files("scenarios"))) / _FOLDERS[kind]


def names(kind: Shelf) -> list[str]:
    """What comes along, sorted."""
    return sorted(path.stem for path in shelf(kind).glob("*.toml"))


def find(kind: Shelf, name: str, *, beside: Path | None = None) -> Path:
    """The file `name` means: a path to a .toml, one `beside` the file that names it, one on the shelf.

    Raises InputError that lists what there is.
    """
    if name.endswith(".toml"):
        candidates = [Path(name)] if beside is None else [beside / name, Path(name)]
    else:
        candidates = [shelf(kind) / f"{name}.toml"]
    for path in candidates:
        if path.is_file():
            return path
    expected = f"expected a path to a .toml file or one of {', '.join(names(kind))}"
    raise InputError(f"{kind.removesuffix('s')} {name!r}: {expected}")
