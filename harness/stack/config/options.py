"""The base of every layer's options: frozen, strict, and wrong in one line."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator


class Options(BaseModel):
    """A frozen value that validates itself. An unknown key is an error, and so is a value of another type:
    `attempts = true` is not 1, `"5"` is not 5. A whole number is accepted where a float is expected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _arrays_are_tuples(cls, value: object) -> object:
        """TOML arrays arrive as lists; strict tuples take tuples only."""
        return _as_tuple(value)


def _as_tuple(value: object) -> object:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


Given = TypeVar("Given", bound=Options)
Made = TypeVar("Made")


def optional(options: Given | None, make: Callable[[Given], Made]) -> Made | None:
    """`make(options)`, or None without options: the layer of an absent table is absent."""
    return None if options is None else make(options)


def first_complaint(error: ValidationError, values: Any) -> str:
    """The first thing wrong with `values`, as `key: what was expected, got value`."""
    problem = error.errors()[0]
    key = ".".join(_steps(problem["loc"], values)) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if problem["type"] == "missing":
        return f"{key}: expected a value, found none"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    got = f", got {given!r}" if isinstance(given, str | int | float) else ""
    return f"{key}: {message[0].lower()}{message[1:]}{got}"


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
