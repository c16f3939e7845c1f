"""The base of every layer's options: frozen, strict, and wrong in one line."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Options(BaseModel):
    """A frozen value that validates itself; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Given = TypeVar("Given", bound=Options)
Made = TypeVar("Made")


def given(options: Given | None, make: Callable[[Given], Made]) -> Made | None:
    """What `make` makes of the options; None without any."""
    return None if options is None else make(options)


def first_complaint(error: ValidationError, values: Any) -> str:
    """The first thing wrong with `values`, as `key: what was expected, got value`."""
    problem = error.errors()[0]
    key = ".".join(_steps(problem["loc"], values)) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if problem["type"] == "missing":
        return f"{key}: expected a value, found none"
    said = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    got = f", got {given!r}" if isinstance(given, str | int | float) else ""
    return f"{key}: {said[0].lower()}{said[1:]}{got}"


def _steps(loc: tuple[int | str, ...], values: Any) -> list[str]:
    """The path as the user wrote it: pydantic adds the tag of a tagged union, which no file contains."""
    steps: list[str] = []
    for n, step in enumerate(loc):
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            if n < len(loc) - 1:
                continue
        steps.append(str(step))
    return steps
