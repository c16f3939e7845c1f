"""TOML files: reading with one-line errors, and writing values back."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ConfigError

SHOWN = ("title", "description", "name", "text")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but tab and line feed."""


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a file. Raises `ConfigError` when it cannot be read or is not valid TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return parse_toml(text, str(path))


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The values of a text; errors name `where`.

    Raises `ConfigError` when it is not valid TOML, and for control characters in a title, a description, a
    name or a claim's text.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from error
    for key in _unprintable(values, ()):
        raise ConfigError(f"{where}: {key}: expected text without control characters")
    return values


def _unprintable(value: Any, at: tuple[str, ...]) -> Iterator[str]:
    """The keys of texts that are shown and hold control characters, which a terminal would obey."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _unprintable(each, (*at, key))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _unprintable(each, (*at, str(n)))
    elif isinstance(value, str) and at[-1] in SHOWN and CONTROL.search(value):
        yield ".".join(at)


def format_toml(values: Mapping[str, Any]) -> str:
    """TOML that reads back as `values` (texts, numbers, booleans, lists, tables), a line for each key."""
    return "".join(f"{json.dumps(key)} = {_inline(value)}\n" for key, value in values.items())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")
