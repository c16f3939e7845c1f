"""One direction of a connection: what two kernels and the wire between them hold, in order.

`send` at one end, delay on the way, an inbox at the other. What was sent and not yet read never exceeds the
window, as with socket buffers; room that a reader makes is known to the writer at once.
"""

import asyncio
import enum
from collections import deque
from collections.abc import Callable
from typing import Protocol

Address = tuple[str, int]
DelayOf = Callable[[Address, Address], float]


class End(enum.Enum):
    """How a direction ends."""

    EOF = "eof"
    RESET = "reset"


class Wire(Protocol):
    """What a pipe needs to know of its network."""

    delay_of: DelayOf | None
    loop: asyncio.AbstractEventLoop
    ready: deque[asyncio.Handle]


class Pipe:
    """One direction of a connection.

    free       bytes that `send` may take now; the writer keeps to it
    blocked    the writer waits for room: `on_room` is called once when there is some
    on_room    the writer's callback, None once it is gone
    inbox      what has arrived and was not read
    end        how the direction ended, once that has arrived and until the reader was told
    finished   EOF has arrived
    reading    the reader wants to be told; set through `start_reading`
    closed     the reader is gone: whatever arrives is answered with a reset
    on_reset   called when the peer's reset arrives, with whether EOF came before
    """

    __slots__ = (
        "_destination",
        "_flight",
        "_handle",
        "_last_arrival",
        "_ready",
        "_reset_sent",
        "_source",
        "_wire",
        "blocked",
        "closed",
        "end",
        "finished",
        "free",
        "inbox",
        "on_reset",
        "on_room",
        "reading",
        "reverse",
        "scheduled",
    )

    def __init__(self, wire: Wire, source: Address, destination: Address, window: int) -> None:
        self._wire = wire
        self._ready = wire.ready
        self._source = source
        self._destination = destination
        self._flight: deque[tuple[float, bytes | End]] = deque()
        self._last_arrival = 0.0
        self._handle: asyncio.Handle | None = None
        self._reset_sent = False
        self.free = window
        self.blocked = False
        self.on_room: Callable[[], None] | None = None
        self.inbox: list[bytes] = []
        self.end: End | None = None
        self.finished = False
        self.reading = False
        self.scheduled = False
        self.closed = False
        self.on_reset: Callable[[bool], None] | None = None
        self.reverse: Pipe | None = None

    # -- the writer's end ------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send at most `free` bytes."""
        self.free -= len(data)
        if self._flight or self._wire.delay_of is not None:
            self._launch(data)
        elif self.closed:
            self._refuse()
        else:
            self.inbox.append(data)
            if self.reading and not self.scheduled:
                self.scheduled = True
                self._ready.append(self._handle)  # type: ignore[arg-type]  # whoever reads has a handle

    def finish(self) -> None:
        """Send EOF, after everything sent before."""
        self._send_end(End.EOF)

    def reset(self) -> None:
        """Send a reset, after everything sent before; again has no effect."""
        if not self._reset_sent:
            self._reset_sent = True
            self._send_end(End.RESET)

    def _send_end(self, end: End) -> None:
        if self._flight or self._wire.delay_of is not None:
            self._launch(end)
        else:
            self._arrive(end)

    # -- on the way ------------------------------------------------------------------------------------------

    def _launch(self, item: bytes | End) -> None:
        delay_of, now = self._wire.delay_of, self._wire.loop.time()
        delay_s = 0.0 if delay_of is None else delay_of(self._source, self._destination)
        self._last_arrival = max(self._last_arrival, now + delay_s)
        self._flight.append((self._last_arrival, item))
        if len(self._flight) == 1:
            self._wire.loop.call_at(self._last_arrival, self._land)

    def _land(self) -> None:
        flight, now = self._flight, self._wire.loop.time()
        while flight and flight[0][0] <= now:
            self._arrive(flight.popleft()[1])
        if flight:
            self._wire.loop.call_at(flight[0][0], self._land)

    def _arrive(self, item: bytes | End) -> None:
        if isinstance(item, bytes):
            if self.closed:
                self._refuse()
                return
            self.inbox.append(item)
        elif self.closed:
            return
        elif item is End.EOF:
            self.finished = True
            self.end = item
        elif self.on_reset is not None:
            self.on_reset(self.finished)
            return
        else:
            self.end = item
        self.wake()

    def _refuse(self) -> None:
        if self.reverse is not None:
            self.reverse.reset()

    # -- the reader's end ------------------------------------------------------------------------------------

    def attach(self, deliver: asyncio.Handle, on_reset: Callable[[bool], None]) -> None:
        """Give the pipe its reader: `deliver` becomes ready, once at a time, when there is something."""
        self._handle = deliver
        self.on_reset = on_reset

    def start_reading(self) -> None:
        """Tell the reader from now on."""
        self.reading = True
        self.wake()

    def wake(self) -> None:
        """Make the reader's handle ready if it reads and there is something to read."""
        if self.reading and not self.scheduled and (self.inbox or self.end is not None):
            self.scheduled = True
            self._ready.append(self._handle)  # type: ignore[arg-type]  # whoever reads has a handle

    def take(self) -> bytes:
        """All that has arrived, as one piece."""
        inbox = self.inbox
        data = inbox[0] if len(inbox) == 1 else b"".join(inbox)
        inbox.clear()
        self.free += len(data)
        if self.blocked:
            self._make_room()
        return data

    def take_into(self, buffer: memoryview) -> int:
        """Fill the buffer with what has arrived; the number of bytes."""
        data = self.take()
        taken = min(len(data), len(buffer))
        buffer[:taken] = data[:taken]
        if taken < len(data):
            self.inbox.append(data[taken:])
            self.free -= len(data) - taken
        return taken

    def readable(self) -> bool:
        """Whether a read would return at once: bytes, EOF or an error."""
        return bool(self.inbox) or self.finished or self.end is not None or self.closed

    def close(self) -> bool:
        """The reader is gone; whether it left bytes unread."""
        unread = bool(self.inbox)
        self.closed = True
        self.reading = False
        self.inbox.clear()
        self._handle = None
        self.on_reset = None
        return unread

    def _make_room(self) -> None:
        self.blocked = False
        if self.on_room is not None:
            self._wire.loop.call_soon(self.on_room)
