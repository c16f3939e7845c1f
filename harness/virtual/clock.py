"""Patch the process's clocks so that they follow a loop's virtual time, and restore them afterwards.

Patched, for all threads: `time.time`, `monotonic`, `perf_counter` and their `_ns` forms, also where a known
library took one with `from time import ...` (`BOUND_AT_IMPORT`) or a module is imported meanwhile.
`time.sleep` in the loop's thread blocks the loop as it blocks a real one: virtual time passes, timers fire
late. In other threads it sleeps in real time (and while an executor job does, virtual time stands still).

Not patched, because they are C or read the clock in C: `datetime.now()`, `utcnow()` and `date.today()`,
`time.gmtime()` and its like without an argument, file times, extension modules, `time.process_time`. Nor are
clocks bound at import elsewhere, as names or as default arguments, `threading` and `queue` among them: their
timeouts are real. A thread that waits for `time.monotonic()` to advance while the loop waits for that thread
waits for ever.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .loop import VirtualLoop

DEFAULT_EPOCH_S = 1_767_225_600.0
"""`time.time()` at virtual time 0: 2026-01-01T00:00:00Z."""

BOUND_AT_IMPORT: tuple[tuple[str, str], ...] = (
    ("aiohttp.connector", "monotonic"),  # keep-alive and DNS cache ages
    ("opentelemetry.sdk.trace", "time_ns"),  # start and end of spans
    ("opentelemetry._logs._internal", "time_ns"),
    ("opentelemetry.sdk._logs._internal", "time_ns"),
    ("opentelemetry.sdk.metrics._internal.measurement_consumer", "time_ns"),
    ("opentelemetry.sdk.metrics._internal.instrument", "time_ns"),
)
"""(module, name) of clocks taken with `from time import ...`; patched where the module is loaded."""

_NAMES = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")
_Clocks = dict[str, Callable[..., Any]]
_Place = tuple[Any, str, str]  # module, attribute, which clock it holds
_one_at_a_time = threading.Lock()


@contextmanager
def virtual_clock(
    loop: VirtualLoop, *, epoch_s: float = DEFAULT_EPOCH_S, bound: Iterable[tuple[str, str]] = BOUND_AT_IMPORT
) -> Iterator[None]:
    """Inside, the process's clocks follow `loop`.

    monotonic() and perf_counter() are loop.time(), time() is `epoch_s` + loop.time().

    `bound` are the (module, name) pairs to patch besides `time` itself. RuntimeError if a virtual clock is
    active already, in any thread: the clocks belong to the whole process.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise RuntimeError("virtual_clock: the process's clocks follow a virtual loop already")
    try:
        clocks = _clocks(loop, epoch_s)
        real = {name: getattr(time, name) for name in _NAMES}
        places = [(time, name, name) for name in _NAMES] + _bound_places(bound, real)
        loaded = frozenset(sys.modules)
        try:
            for module, attribute, name in places:
                setattr(module, attribute, clocks[name])
            yield
        finally:
            for module, attribute, name in places + _places_since(loaded, clocks):
                setattr(module, attribute, real[name])
    finally:
        _one_at_a_time.release()


def _bound_places(bound: Iterable[tuple[str, str]], clocks: _Clocks) -> list[_Place]:
    """The places where a loaded module holds one of the clocks under its own name."""
    loaded = ((sys.modules.get(module), attribute) for module, attribute in bound)
    return [
        (module, attribute, name)
        for module, attribute in loaded
        for name, clock in clocks.items()
        if getattr(module, attribute, None) is clock
    ]


def _places_since(loaded: frozenset[str], clocks: _Clocks) -> list[_Place]:
    """The places where a module imported under the virtual clock holds one of its functions."""
    new = [sys.modules.get(module_name) for module_name in list(sys.modules) if module_name not in loaded]
    return [
        (module, attribute, name)
        for module in new
        for attribute, value in list(getattr(module, "__dict__", {}).items())
        for name, clock in clocks.items()
        if value is clock
    ]


def _clocks(loop: VirtualLoop, epoch_s: float) -> _Clocks:
    epoch_ns = round(epoch_s * 1e9)
    real_sleep = getattr(time, "sleep")  # noqa: B009  # lint forbids it elsewhere

    def virtual_ns() -> int:
        return round(loop.time() * 1e9)

    def sleep(seconds: float) -> None:
        if not loop.runs_in_thread(threading.get_ident()):
            real_sleep(seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        else:
            loop.advance(seconds)

    return {
        "time": lambda: epoch_s + loop.time(),
        "time_ns": lambda: epoch_ns + virtual_ns(),
        "monotonic": loop.time,
        "monotonic_ns": virtual_ns,
        "perf_counter": loop.time,
        "perf_counter_ns": virtual_ns,
        "sleep": sleep,
    }
