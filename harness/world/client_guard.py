"""Guards around a user's client that runs in the same process as the run."""

import asyncio
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from harness.load.client_errors import ClientErrors
from harness.subjects.python_client import PythonClient

from .world import Measured

CLOSES_WITHIN_S = 30.0


class FaultTimes:
    """The windows of the scheduled faults, on the loop's clock."""

    def __init__(self, faults: Sequence[dict[str, Any]], measured: Measured) -> None:
        self._measured = measured
        self._windows = [(fault.get("from_s") or 0.0, _end(fault.get("to_s"))) for fault in faults]

    def active_between(self, from_s: float, to_s: float) -> bool:
        """Whether a fault is scheduled at a moment between the two."""
        t0_s = self._measured.t0_s
        return any(begins < to_s - t0_s and from_s - t0_s < ends for begins, ends in self._windows)


def _end(to_s: float | None) -> float:
    return math.inf if to_s is None else to_s


@contextmanager
def exit_raises() -> Iterator[None]:
    """`os._exit` in this process raises SystemExit, so that a client cannot end the run without a record."""
    real, pid = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != pid:
            real(status)  # a child that was forked
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = real


async def close_client(client: PythonClient, errors: ClientErrors) -> None:
    """Close a client; what it raises is noted, and one that hangs is left."""
    try:
        await asyncio.wait_for(client.aclose(), CLOSES_WITHIN_S)
    except Exception as error:  # noqa: BLE001  # every call has its row by now
        errors.note("aclose", error)
