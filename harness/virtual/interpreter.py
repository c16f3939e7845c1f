"""The interpreters on which virtual time was tried: the loop overrides private parts of CPython's asyncio."""

import sys

TRIED = ((3, 11), (3, 12), (3, 13))
"""CPython versions whose runs have equal records; the same bounds stand in pyproject's `requires-python`."""


class UntriedInterpreter(RuntimeError):
    """This Python may run asyncio programs differently in virtual time; one line."""


def check_interpreter() -> None:
    """Raise `UntriedInterpreter` unless this is CPython of a version in `TRIED`."""
    name, version = sys.implementation.name, sys.version_info[:2]
    if name != "cpython" or version not in TRIED:
        tried = ", ".join(".".join(map(str, each)) for each in TRIED)
        raise UntriedInterpreter(
            f"virtual time uses private parts of asyncio and was tried on CPython {tried} only: "
            f"this is {name} {version[0]}.{version[1]}"
        )
