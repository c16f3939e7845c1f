"""A stack's TOML file, laid over the file it is based on."""

import tomllib
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError

DEEPEST = 8
"""So many files may stand on each other; more are a circle."""


def layered(path: Path, depth: int = 0) -> dict[str, Any]:
    """The values of a file and of those it is based on. Raises `ConfigError`, one line."""
    values = _read(path)
    base, without = values.pop("base", None), values.pop("without", [])
    if base is None and not without:
        return values
    if not isinstance(base, str) or depth >= DEEPEST:
        raise ConfigError(f"{path}: base: expected the name of another stack beside this one, got {base!r}")
    if not isinstance(without, list):
        raise ConfigError(f"{path}: without: expected a list of tables of {base}, got {without!r}")
    below = layered(path.with_name(f"{base}.toml"), depth + 1)
    for name in without:
        if name not in below:
            raise ConfigError(f"{path}: without: expected tables of {base}, got {name!r}")
        del below[name]
    return _laid_over(below, values)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables key by key; whatever else is there above replaces what was below."""
    laid = dict(below)
    for key, value in above.items():
        known = laid.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            value = _laid_over(known, value)  # the table that both describe
        laid[key] = value
    return laid


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
