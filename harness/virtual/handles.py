"""Handles that are made in one step: asyncio's, without the debug bookkeeping of three nested constructors.

A chunk of a stream costs several callbacks, so their making is a large part of what a virtual run costs. In
debug mode the loop makes asyncio's own, with their tracebacks. The fields are CPython's, 3.11 to 3.13.
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any


class SoonHandle(asyncio.Handle):
    """What `call_soon` returns."""

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
    """What `call_at` returns. It has no order: the loop's heap keeps that of setting for equal times."""

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
        """Never fire; cancelling again does nothing."""
        if not self._cancelled:
            self._cancelled = True
            self._callback = None
            self._args = ()
            if self._scheduled:
                self._loop._timer_handle_cancelled(self)
