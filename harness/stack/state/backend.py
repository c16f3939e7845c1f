"""The backend: where mechanisms (limiter, breaker, …) keep their state. In memory here.

A mechanism is a pure function from the old state to the new one and an answer. A backend keeps a value under
a key and applies such functions to it one at a time, so several gateways can share a limit or a breaker by
sharing a backend. Values are plain (named tuples of numbers, strings and tuples), so a backend can serialise
them.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

R = TypeVar("R")

Change = Callable[[Any], tuple[Any, R]]
"""From the value under a key (None at first) to the new value and an answer. Pure: may be called twice."""


class Backend(Protocol):
    """Named values with atomic updates."""

    async def update(self, key: str, change: Change[R]) -> R:
        """Apply `change` to the value under `key`, atomically. Returns its answer."""
        ...

    def post(self, key: str, change: Change[Any]) -> None:
        """As `update`, without waiting for it: it happens even if the caller is cancelled."""
        ...


class MemoryBackend:
    """Values in this process; every change is made before the call returns."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    async def update(self, key: str, change: Change[R]) -> R:
        """Apply `change` at once; never suspends."""
        self._values[key], answer = change(self._values.get(key))
        return answer

    def post(self, key: str, change: Change[Any]) -> None:
        """Apply `change` at once."""
        self._values[key], _ = change(self._values.get(key))

    def peek(self, key: str) -> Any:
        """The value under `key`, None if there is none: for health reports and tests."""
        return self._values.get(key)
