"""Profiles read from TOML files, shipped ones by name, or from plain data.

A file may describe models that are alike once: each table under `kinds` holds keys of models, and a model
(or an embedding model) with `kind = NAME` has them, too; its own keys win.
"""

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .exchange.validation import one_line
from .profile import Profile

_FORMER_NAMES = {"page": "typical"}


class ProfileError(Exception):
    """A profile that cannot be used; one line: file, key and what was expected."""


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by name (`typical`), or a user's own by path (`./mine.toml`); raises ProfileError.

    Former names of shipped profiles still work: `page` is `typical`.
    """
    name = _FORMER_NAMES.get(str(name_or_path), str(name_or_path))
    if not name.endswith(".toml"):
        if name not in shipped_profiles():
            known = ", ".join(shipped_profiles())
            raise ProfileError(f"profile {name!r}: expected one of {known}, or a path that ends in .toml")
        return _parse(
            (resources.files(__package__) / "profiles" / f"{name}.toml").read_text("utf-8"), f"{name}.toml"
        )
    try:
        return _parse(Path(name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ProfileError(f"{name}: expected a readable profile ({reason})") from None


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the package."""
    files = (resources.files(__package__) / "profiles").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def make_profile(data: Mapping[str, Any], source: str = "profile") -> Profile:
    """Check a profile given as plain data; raises ProfileError that names `source`."""
    try:
        return Profile.model_validate(_without_kinds(data, source))
    except ValidationError as error:
        raise ProfileError(f"{source}: {one_line(error)}") from None


def _parse(text: str, source: str) -> Profile:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: expected TOML: {error}") from None
    return make_profile(data, source)


def _without_kinds(data: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """The data with each model's kind replaced by the keys of that kind; raises ProfileError."""
    if not isinstance(kinds := data.get("kinds", {}), dict):
        raise ProfileError(f"{source}: kinds: expected tables of models' keys, by a name")
    providers = data.get("providers")
    if not isinstance(providers, dict):
        return data
    complete = {
        name: _with_whole_models(provider, kinds, f"{source}: providers.{name}")
        if isinstance(provider, dict)
        else provider
        for name, provider in providers.items()
    }
    return {**{key: value for key, value in data.items() if key != "kinds"}, "providers": complete}


def _with_whole_models(provider: dict[str, Any], kinds: dict[str, Any], where: str) -> dict[str, Any]:
    whole = dict(provider)
    for group in ("models", "embeddings"):
        if isinstance(models := provider.get(group), dict):
            whole[group] = {
                id_: _whole_model(model, kinds, f"{where}.{group}.{id_}") for id_, model in models.items()
            }
    return whole


def _whole_model(model: Any, kinds: dict[str, Any], where: str) -> Any:
    if not isinstance(model, dict) or "kind" not in model:
        return model
    name = model["kind"]
    if not isinstance(name, str) or not isinstance(kinds.get(name), dict):
        known = ", ".join(kinds) or "the tables under kinds (there are none)"
        raise ProfileError(f"{where}.kind: expected one of {known}, got {name!r}")
    return {**kinds[name], **{key: value for key, value in model.items() if key != "kind"}}
