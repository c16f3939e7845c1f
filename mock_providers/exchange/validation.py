"""A pydantic error as one line: the key, and what was expected."""

from typing import Any

from pydantic import ValidationError

_TAGGED_UNION_STEPS = frozenset({"lognormal", "constant", "gamma", "empirical", "automatic", "breakpoints"})


def one_line(error: ValidationError) -> str:
    """The first problem of `error` as `key.sub-key: what was expected`, with a count of the others."""
    problems = error.errors(include_url=False, include_context=True)
    first = problems[0]
    key = ".".join(str(step) for step in first["loc"] if step not in _TAGGED_UNION_STEPS)
    others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    line = f"{key + ': ' if key else ''}{_sentence(first)}{others}"
    return " ".join(line.splitlines())  # a key may contain line breaks


def _sentence(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "missing":
        return "required, but not given"
    message: str = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    given = problem["input"]
    return f"{message}, got {given!r}" if isinstance(given, str | int | float | bool) else message
