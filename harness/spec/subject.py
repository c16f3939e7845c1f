"""A subject as its file describes it: a stack's TOML, or a TOML that names a Python client."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError
from ..stack.build.options import StackOptions, load_stack_options
from ..stack.core.options import first_complaint
from .shipped import find, names


class ClientOptions(BaseModel):
    """A Python client, any SDK: `call = "module:attribute"`, the module beside the file or importable.

    The attribute is an async generator function or a coroutine function, called for each call as
    `complete(messages, max_tokens=…, providers=…)`; or a class, made once as `Client(providers)` whose
    instances are called as `client(messages, max_tokens=…)` and closed with `aclose()` if they have it. It
    yields the answer's text piece by piece, or returns it whole; what it raises is a failed call. `providers`
    maps "openai", "anthropic" and "together" to a `base_url` and an `api_key`. `timeout_s` 120 ends a call.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["python"]
    call: str = Field(pattern=r"^[\w.]+:\w+$")
    title: str = ""
    description: str = ""
    timeout_s: float = Field(default=120.0, gt=0)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured, by the name it has in the report: `stack` or `client`, the other is None."""

    name: str
    path: Path
    stack: StackOptions | None = None
    client: ClientOptions | None = None

    @property
    def _options(self) -> StackOptions | ClientOptions:
        options = self.stack or self.client
        assert options is not None
        return options

    @property
    def title(self) -> str:
        """Its line for people."""
        return self._options.title

    @property
    def description(self) -> str:
        """Its paragraph for people."""
        return self._options.description

    @property
    def total_s(self) -> float:
        """After so many seconds it has given up a call by itself, or is ended."""
        return self.client.timeout_s if self.client else self.stack.deadlines.total_s if self.stack else 0.0


def load_subject(name: str, folder: Path) -> Subject:
    """The stack or client that `name` means: a path (also beside `folder`'s scenario) or one that comes
    along.

    Raises InputError or ConfigError, one line.
    """
    path = _find(name, folder)
    if _kind(path) == "python":
        return Subject(path.stem, path, client=_load_client(path))
    return Subject(path.stem, path, stack=load_stack_options(path))


def _find(name: str, folder: Path) -> Path:
    if not name.endswith(".toml") and name in names("subjects"):
        return find("subjects", name)
    try:
        return find("stacks", name, beside=folder)
    except InputError as error:
        others = ", ".join(names("subjects"))
        raise InputError(f"{error}, or a Python client: {others}") from None


def _kind(path: Path) -> Any:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("kind")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None  # read as a stack, whose loader says what is wrong


def _load_client(path: Path) -> ClientOptions:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return ClientOptions.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {first_complaint(error, values)}") from error
