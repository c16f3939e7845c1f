"""The states of one end of an in-memory connection: open, closing, lost."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from .pipe import Pipe
from .write_buffer import WriteBuffer


class MemoryEnd(asyncio.Transport):
    """Base of `MemoryTransport`: states, closing and errors; the subclass reads and writes.

    States: open; closing (reading has stopped, buffered bytes are still sent); lost (connection_lost() is
    scheduled or done).
    """

    __slots__ = (
        "__weakref__",
        "_aborted",
        "_buffer",
        "_buffered",
        "_closing",
        "_eof_written",
        "_incoming",
        "_loop",
        "_lost",
        "_on_closed",
        "_outgoing",
        "_paused",
        "_protocol",
        "_protocol_paused",
        "_write_error",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BaseProtocol,
        *,
        incoming: Pipe,
        outgoing: Pipe,
        extra: dict[str, Any],
        on_closed: Callable[[Any], None],
    ) -> None:
        super().__init__(extra)
        self._loop = loop
        self._incoming = incoming
        self._outgoing = outgoing
        self._on_closed = on_closed
        self._buffer = WriteBuffer()
        self._closing = False
        self._lost = False
        self._paused = False
        self._protocol_paused = False
        self._eof_written = False
        self._aborted = False
        self._write_error: OSError | None = None
        self.set_protocol(protocol)
        # The connection's own context, as asyncio's reader callback has: context variables set by the peer's
        # task must not be visible here.
        context = contextvars.copy_context()
        incoming.attach(asyncio.Handle(self._deliver, (), loop, context), self._peer_reset)
        outgoing.on_room = self._flush
        loop.call_soon(self._connect, context=context)

    def __repr__(self) -> str:
        state = "closed" if self._lost else "closing" if self._closing else "open"
        name, peer = self.get_extra_info("sockname"), self.get_extra_info("peername")
        return f"<MemoryTransport {name} -> {peer} {state}>"

    def _connect(self) -> None:
        try:
            self._protocol.connection_made(self)
        finally:
            if not self._closing and not self._paused:
                self._incoming.start_reading()

    # -- the protocol ----------------------------------------------------------------------------------------

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Deliver to this protocol from now on."""
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The current protocol; None after connection_lost()."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    # -- ending ----------------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether close() or abort() was called, or the connection is lost."""
        return self._closing

    def close(self) -> None:
        """Stop reading, send the buffered bytes, then end the connection."""
        if self._closing:
            return
        self._closing = True
        self._incoming.reading = False
        if not self._buffer.size:
            self._lost = True
            self._loop.call_soon(self._connection_lost, None)

    def abort(self) -> None:
        """Drop the buffered bytes and reset the connection."""
        if not self._lost:
            self._aborted = True
            self._lose(None)

    def detach(self) -> None:
        """Become closed without a callback, because the loop is closed; methods may still be called."""
        self._closing = self._lost = True

    def _fail(self, error: BaseException, message: str) -> None:
        if not isinstance(error, OSError):
            self._report(error, message)
        self._lose(error)

    def _lose(self, error: BaseException | None) -> None:
        if self._lost:
            return
        self._buffer.clear()
        self._closing = self._lost = True
        self._incoming.reading = False
        self._loop.call_soon(self._connection_lost, error)

    def _connection_lost(self, error: BaseException | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._close_pipes()
            self._protocol = None
            on_closed, self._on_closed = self._on_closed, _ignore
            on_closed(self)

    def _close_pipes(self) -> None:
        unread = self._incoming.close()
        self._outgoing.on_room = None
        if self._aborted or unread:
            self._outgoing.reset()
        elif not self._eof_written:
            self._outgoing.finish()

    def _report(self, error: BaseException, message: str) -> None:
        self._loop.call_exception_handler(
            {
                "message": message,
                "exception": error,
                "transport": self,
                "protocol": self._protocol,
            }
        )

    def _deliver(self) -> None:
        raise NotImplementedError

    def _flush(self) -> None:
        raise NotImplementedError

    def _peer_reset(self, after_eof: bool) -> None:
        raise NotImplementedError


def _ignore(_transport: object) -> None:
    """Take the place of `on_closed` once that has been called."""
