"""The error for a program that can never continue: names the waiting tasks instead of hanging."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

_ASYNCIO = str(Path(asyncio.__file__).parent)


class Deadlock(RuntimeError):
    """Nothing is ready, no timer is set and no thread works for the loop: the program can never continue.

    `waiting` has a line per waiting task, oldest first: its name, its coroutine and where it is suspended.
    """

    def __init__(self, waiting: Sequence[str], at_s: float) -> None:
        self.waiting = tuple(waiting)
        self.at_s = at_s
        tasks = "".join(f"\n  {line}" for line in self.waiting) or " no task at all"
        super().__init__(f"deadlock at {at_s} s: nothing is ready, no timer is set; waiting:{tasks}")


def describe_task(task: asyncio.Task[Any]) -> str:
    """`name: coroutine() suspended at file:line`: the innermost frame that is not asyncio's own."""
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    frame = _suspended_at(coroutine)
    where = f"suspended at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else "not started"
    return f"{task.get_name()}: {name}() {where}"


def _suspended_at(awaitable: object) -> FrameType | None:
    """The innermost frame outside asyncio along the chain of awaits; asyncio's own if there is no other."""
    found: FrameType | None = None
    while awaitable is not None:
        frame = _first(awaitable, "cr_frame", "gi_frame", "ag_frame")
        if isinstance(frame, FrameType) and (found is None or not _is_asyncio(frame) or _is_asyncio(found)):
            found = frame
        awaitable = _first(awaitable, "cr_await", "gi_yieldfrom", "ag_await")
    return found


def _is_asyncio(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_ASYNCIO)


def _first(owner: object, *names: str) -> object:
    return next((getattr(owner, name) for name in names if hasattr(owner, name)), None)
