"""asyncio's handles with one flat constructor, without asyncio's debug bookkeeping.

A chunk of a stream costs several callbacks, so constructing handles is a large part of a virtual run. In
debug mode the loop makes asyncio's own, with their tracebacks. The fields are CPython's private ones.
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any


class SoonHandle(asyncio.Handle):
    """Returned by `call_soon`."""

    __slots__ = ()

    _callback: Callable[..., object] | None
    _context: contextvars.Context
    _loop: asyncio.AbstractEventLoop
    _repr: str | None
    _source_traceback: Any

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context | None,
    ) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class VirtualTimer(asyncio.TimerHandle):
    """Returned by `call_at`. Not comparable: the loop's heap orders by time and by order of setting."""

    __slots__ = ()

    _callback: Callable[..., object] | None
    _context: contextvars.Context
    _loop: Any
    _repr: str | None
    _scheduled: bool
    _source_traceback: Any
    _when: float

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context | None,
    ) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = False

    def cancel(self) -> None:
        """Keep the timer from firing; cancelling again has no effect."""
        if not self._cancelled:
            self._cancelled = True
            self._callback = None
            self._args = ()
            if self._scheduled:
                self._loop._timer_handle_cancelled(self)
