"""The base of every layer's options: frozen, strict, and wrong in one line."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Options(BaseModel):
    """A frozen value that validates itself; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def first_complaint(error: ValidationError) -> str:
    """The first thing wrong, as `key: what was expected, got value`."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if problem["type"] == "missing":
        return f"{key}: expected a value, found none"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {said[0].lower()}{said[1:]}, got {problem['input']!r}"
