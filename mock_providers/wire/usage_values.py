"""Usage objects with other values, the same for every protocol."""

from typing import Any


def with_numbers(usage: Any, how: str) -> Any:
    """`usage` with each number, at any depth, changed.

    `how`: "zero", "text" (as strings), "fraction" (as floats), "null_details" (objects and lists become
    null), "" (unchanged).
    """
    if isinstance(usage, dict):
        if how == "null_details":
            return {key: None if isinstance(value, dict | list) else value for key, value in usage.items()}
        return {key: with_numbers(value, how) for key, value in usage.items()}
    if isinstance(usage, list):
        return [with_numbers(value, how) for value in usage]
    if isinstance(usage, bool) or not isinstance(usage, int):
        return usage
    return {"zero": 0, "text": str(usage), "fraction": float(usage)}.get(how, usage)
