"""Exceptions of a user's client: a provider's failure as its SDK reports it, or an error of the client's own.

A provider's failure is an exception that carries an HTTP status, a timeout, a broken connection, or a reply
that cannot be read. An error of the client's own is everything else: NameError, RuntimeError, a missing file.
Two questions decide the doubtful cases: did a provider get a request while the call lasted, and was a fault
scheduled then?
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import Iterator
from json import JSONDecodeError
from types import TracebackType
from typing import Any

KIND_OF_STATUS = {401: "auth", 403: "auth", 429: "rate_limited", 503: "overloaded", 529: "overloaded"}
_MISREAD = (AttributeError, TypeError, KeyError, IndexError)
"""Exceptions of code that did not find in a reply what it looked for."""
_BROKEN = (ConnectionError, socket.gaierror, ssl.SSLError, EOFError, asyncio.IncompleteReadError)
_UNREADABLE = (JSONDecodeError, UnicodeDecodeError)
_LOCAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
_INSTALLED = ("site-packages", "dist-packages")


def failure_kind(error: BaseException, *, sent: bool, in_fault: bool) -> str | None:
    """The error kind of a provider's failure; None for an error of the client's own.

    `sent`: a provider received a request during the call; `in_fault`: a fault was scheduled during it. An
    exception without a status that is raised before anything was sent, and without a fault, is the client's.
    A reply is misread (AttributeError, KeyError, …) inside an installed package, or anywhere during a fault.
    """
    for each in _chain(error):
        if (kind := _kind(each, sent=sent, in_fault=in_fault)) is not None:
            return kind
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it names as its cause; for a class of the client's own, also the one that
    was being handled when it was raised. Of a group, the first exception."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and all(current is not each for each in seen):
        seen.append(current)
        yield current
        if isinstance(current, BaseExceptionGroup):
            current = current.exceptions[0]
        elif current.__cause__ is not None or type(current).__module__ == "builtins":
            current = current.__cause__
        else:
            current = current.__context__


def _kind(error: BaseException, *, sent: bool, in_fault: bool) -> str | None:
    status = status_of(error)
    if status == 200:
        return "in_band"
    if status is not None:
        return KIND_OF_STATUS.get(status, "server_error" if status >= 500 else "bad_request")
    if any("Timeout" in cls.__name__ for cls in type(error).__mro__):
        return "timeout_total"
    if not sent and not in_fault:
        return None
    if isinstance(error, _UNREADABLE):
        return "malformed"
    if isinstance(error, _BROKEN):
        return "connection"
    if isinstance(error, _MISREAD):
        return "malformed" if in_fault or _raised_by_a_package(error.__traceback__) else None
    if _is_installed(type(error).__module__):
        return "malformed" if isinstance(error, ValueError) else "connection"
    if isinstance(error, OSError) and not isinstance(error, _LOCAL):
        return "connection"
    return None


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an SDK's exception carries: `status_code`, `status`, or its response's."""
    if type(error).__module__ == "builtins":
        return None
    response: Any = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (response, "status_code"), (error, "status")):
        value = getattr(holder, name, None)
        if isinstance(value, int) and 100 <= value <= 599:
            return value
    return None


def _raised_by_a_package(trace: TracebackType | None) -> bool:
    """Whether the innermost frame lies in an installed package."""
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return any(part in trace.tb_frame.f_code.co_filename for part in _INSTALLED)


def _is_installed(module: str) -> bool:
    """Whether a module belongs to an installed package: an SDK, or a library under it."""
    root = sys.modules.get(module.partition(".")[0])
    return any(part in (getattr(root, "__file__", None) or "") for part in _INSTALLED)
