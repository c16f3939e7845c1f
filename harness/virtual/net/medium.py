"""The facts that all pipes of one network share: the loop, the delay of a link, the size of a window."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping

Address = tuple[str, int]
DelayOf = Callable[[Address, Address], float]

Delay = float | Mapping[Address, float] | DelayOf
"""One-way seconds: for every link, by the server's (host, port), or of (source, destination)."""

_WINDOW_BYTES = 256 * 1024


class Medium:
    """The medium that carries the bytes of a network.

    delay_s       one-way delay (default 0): a number of seconds, a mapping by the server's (host, port), or a
                  callable (source, destination) -> seconds, called for every burst. Applied to data, EOF and
                  reset; a connect takes a round trip. Order is always kept. math.inf is a black hole: neither
                  what is sent into it arrives, nor anything sent after it on that connection
    delay_of      `delay_s` as a callable; None while it is 0
    window_bytes  bytes that one direction of a connection holds between writer and reader (256 KiB)
    ready         the loop's queue of ready handles
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: deque[asyncio.Handle]) -> None:
        self.loop = loop
        self.ready = ready
        self.window_bytes = _WINDOW_BYTES
        self.delay_of: DelayOf | None = None
        self._delay: Delay = 0.0
        self._quiet_pipe: tuple[int, int] | None = None

    @property
    def delay_s(self) -> Delay:
        """See the class. Setting it raises ValueError for a negative number."""
        return self._delay

    @delay_s.setter
    def delay_s(self, delay: Delay) -> None:
        self._delay = delay
        self.delay_of = _delay_of(delay)

    def quiet_fileno(self) -> int:
        """A real file descriptor that is never readable, shared by all sockets that have nothing to read."""
        if self._quiet_pipe is None:
            self._quiet_pipe = os.pipe()
        return self._quiet_pipe[0]

    def close(self) -> None:
        """Close the file descriptor of `quiet_fileno`."""
        if self._quiet_pipe is not None:
            os.close(self._quiet_pipe[0])
            os.close(self._quiet_pipe[1])
            self._quiet_pipe = None


def _delay_of(delay: Delay) -> DelayOf | None:
    if callable(delay):
        return delay
    if isinstance(delay, Mapping):
        by_server = dict(delay)
        return lambda source, destination: by_server.get(destination, by_server.get(source, 0.0))
    if not delay >= 0:
        raise ValueError(f"delay_s: expected seconds, 0 or more, got {delay!r}")
    seconds = delay
    return (lambda _source, _destination: seconds) if seconds else None
