"""Scripts read from files and plain data: TOML with `[[reply]]`, a JSON list, or JSON lines."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..exchange.validation import one_line
from ..faults import FaultError, check_faults
from ..faults.schedule import ProviderNames
from .scripted import Script, ScriptedReply


class ScriptError(Exception):
    """A script that cannot be used; one line: file, entry, key and what was expected."""


def load_script(path: str | Path) -> Script:
    """Read `*.toml` (`[[reply]]` tables), `*.json` (a list) or `*.jsonl` (a line each).

    Paths of `file` are beside the script. Raises ScriptError.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ScriptError(f"{path}: expected a readable script ({reason})") from None
    try:
        return _parse(_data_of(text, path.suffix), path.parent)
    except (ScriptError, ValueError) as error:
        raise ScriptError(f"{path}: {error}") from None


def parse_script(data: object, profile: ProviderNames) -> Script:
    """Read a list of objects for the providers of `profile`; raises ScriptError. `file` is refused."""
    return check_script(_parse(data, None), profile)


def check_script(script: Script, profile: ProviderNames) -> Script:
    """The script, checked against the providers and models of a profile; raises ScriptError."""
    for nth, entry in enumerate(script):
        if entry.provider is not None and entry.provider not in profile.providers:
            known = ", ".join(profile.providers)
            raise ScriptError(f"reply {nth + 1}: provider: expected one of {known}, got {entry.provider!r}")
        try:
            check_faults([] if entry.fault is None else [entry.fault], profile)
        except FaultError as error:
            raise ScriptError(f"reply {nth + 1}: {str(error).replace('faults.0', 'fault')}") from None
    return script


def _data_of(text: str, suffix: str) -> object:
    """Raises ValueError, of which the errors of TOML and JSON are."""
    if suffix == ".toml":
        data = tomllib.loads(text)
        if unknown := [key for key in data if key != "reply"]:
            raise ScriptError(f"{unknown[0]}: unknown key; expected [[reply]]")
        return data.get("reply", [])
    if suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if suffix == ".json":
        return json.loads(text)
    raise ScriptError("expected a file that ends in .toml, .json or .jsonl")


def _parse(data: object, folder: Path | None) -> Script:
    if not isinstance(data, list):
        raise ScriptError("expected a list of replies")
    return tuple(_entry(item, nth, folder) for nth, item in enumerate(data, start=1))


def _entry(item: Any, nth: int, folder: Path | None) -> ScriptedReply:
    if not isinstance(item, Mapping):
        raise ScriptError(f"reply {nth}: expected a table, got {item!r}")
    try:
        entry = ScriptedReply.model_validate(item)
    except ValidationError as error:
        raise ScriptError(f"reply {nth}: {one_line(error)}") from None
    if entry.file is None:
        return entry
    if folder is None:
        raise ScriptError(f"reply {nth}: file: expected only in a script that is a file; send the text")
    try:
        text = (folder / entry.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ScriptError(f"reply {nth}: file: expected a readable text file ({reason})") from None
    return entry.model_copy(update={"text": text})
