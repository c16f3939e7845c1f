"""Files that a user names: shipped scenarios, stacks and clients by their names, any other by its path."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from ..errors import InputError

ShippedKind = Literal["scenarios", "stacks", "subjects"]
_FOLDERS: dict[ShippedKind, str] = {"scenarios": ".", "stacks": "stacks", "subjects": "subjects"}


def shipped_folder(kind: ShippedKind) -> Path:
    """The folder of the shipped scenarios, stacks or Python clients ("subjects")."""
    return Path(str(files("scenarios"))) / _FOLDERS[kind]


def shipped_files(kind: ShippedKind) -> dict[str, Path]:
    """The shipped files by name, sorted."""
    return {path.stem: path for path in sorted(shipped_folder(kind).glob("*.toml"))}


def find_file(kind: ShippedKind, name: str, *, beside: Path | None = None) -> Path:
    """The file that `name` means: a path to a .toml file (first from `beside`), or a shipped file's name.

    Raises InputError that lists the shipped names.
    """
    if name.endswith(".toml"):
        candidates = [Path(name)] if beside is None else [beside / name, Path(name)]
    else:
        candidates = [shipped_folder(kind) / f"{name}.toml"]
    for path in candidates:
        if path.is_file():
            return path
    expected = f"expected a path to a .toml file or one of {', '.join(shipped_files(kind))}"
    raise InputError(f"{kind.removesuffix('s')} {name!r}: {expected}")
