"""One direction of a connection: the bytes that two kernels and the link between them hold, in order.

`send` at one end, delay on the way, an inbox at the other. Bytes sent and not yet read never exceed the
window, as with socket buffers; the writer learns at once of room that the reader makes.
"""

import asyncio
import enum
from collections import deque
from collections.abc import Callable

from .medium import Address, Medium


class End(enum.Enum):
    """How a direction ends."""

    EOF = "eof"
    RESET = "reset"


class Pipe:
    """One direction of a connection.

    free       bytes that `send` may take now; the writer must not exceed it
    blocked    the writer waits for room: `on_room` is called once when there is some
    on_room    the writer's callback; None once the writer has closed
    inbox      pieces that have arrived and were not read
    end        EOF or reset, from its arrival until the reader has handled it
    finished   EOF has arrived
    reading    the reader's handle is scheduled on arrival; set through `start_reading`
    scheduled  the reader's handle is in the ready queue
    closed     the reader has closed: data that arrives is answered with a reset
    on_reset   called when the peer's reset arrives, with whether EOF came before
    reverse    the other direction of the connection
    """

    __slots__ = (
        "_destination",
        "_handle",
        "_in_flight",
        "_last_arrival",
        "_medium",
        "_ready",
        "_reset_sent",
        "_source",
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

    def __init__(self, medium: Medium, source: Address, destination: Address, window: int) -> None:
        self._medium = medium
        self._ready = medium.ready
        self._source = source
        self._destination = destination
        self._in_flight: deque[tuple[float, bytes | End]] = deque()
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
        if self._in_flight or self._medium.delay_of is not None:
            self._put_in_flight(data)
        elif self.closed:
            self._refuse()
        else:
            self.inbox.append(data)
            if self.reading and not self.scheduled:
                self.scheduled = True
                self._ready.append(self._handle)  # type: ignore[arg-type]  # set by attach()

    def finish(self) -> None:
        """Send EOF, after everything sent before."""
        self._send_end(End.EOF)

    def reset(self) -> None:
        """Send a reset, after everything sent before; again has no effect."""
        if not self._reset_sent:
            self._reset_sent = True
            self._send_end(End.RESET)

    def _send_end(self, end: End) -> None:
        if self._in_flight or self._medium.delay_of is not None:
            self._put_in_flight(end)
        else:
            self._arrive(end)

    # -- in flight ------------------------------------------------------------------------------------------

    def _put_in_flight(self, item: bytes | End) -> None:
        delay_of, now = self._medium.delay_of, self._medium.loop.time()
        delay_s = 0.0 if delay_of is None else delay_of(self._source, self._destination)
        self._last_arrival = max(self._last_arrival, now + delay_s)
        self._in_flight.append((self._last_arrival, item))
        if len(self._in_flight) == 1:
            self._medium.loop.call_at(self._last_arrival, self._deliver_due)

    def _deliver_due(self) -> None:
        in_flight, now = self._in_flight, self._medium.loop.time()
        while in_flight and in_flight[0][0] <= now:
            self._arrive(in_flight.popleft()[1])
        if in_flight:
            self._medium.loop.call_at(in_flight[0][0], self._deliver_due)

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
        """Set the reader: `deliver` is scheduled, once at a time, when there is something to read."""
        self._handle = deliver
        self.on_reset = on_reset

    def start_reading(self) -> None:
        """Schedule the reader now if there is something to read, and on every arrival."""
        self.reading = True
        self.wake()

    def wake(self) -> None:
        """Schedule the reader if it reads and there is something to read."""
        if self.reading and not self.scheduled and (self.inbox or self.end is not None):
            self.scheduled = True
            self._ready.append(self._handle)  # type: ignore[arg-type]  # set by attach()

    def take(self) -> bytes:
        """All bytes that have arrived, as one piece."""
        inbox = self.inbox
        data = inbox[0] if len(inbox) == 1 else b"".join(inbox)
        inbox.clear()
        self.free += len(data)
        if self.blocked:
            self._make_room()
        return data

    def take_into(self, buffer: memoryview) -> int:
        """Move bytes that have arrived into the buffer; returns their number."""
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
        """End reading; returns whether bytes were left unread."""
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
            self._medium.loop.call_soon(self.on_room)
