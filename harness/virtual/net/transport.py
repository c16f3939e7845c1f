"""An asyncio transport over two pipes: behaves as asyncio's socket transport, without the kernel.

Resets are as on Linux. Data that arrived before a reset is delivered first, then connection_lost() gets a
ConnectionResetError; a writer that received EOF before gets a BrokenPipeError at its next write. Closing with
unread bytes resets the connection, and so does data that arrives after closing. abort() always resets (a real
socket does so only with SO_LINGER set or bytes unread).
"""

import errno
import os
from typing import Any

from .lifecycle import MemoryEnd
from .pipe import End


class MemoryTransport(MemoryEnd):
    """One end of an in-memory connection: reading and writing."""

    __slots__ = ()

    # -- reading ---------------------------------------------------------------------------------------------

    def is_reading(self) -> bool:
        """Whether it is neither closing nor paused."""
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        """Stop delivering, so that the window fills; has no effect when paused already."""
        if self.is_reading():
            self._paused = True
            self._incoming.reading = False

    def resume_reading(self) -> None:
        """Deliver again; has no effect unless paused."""
        if self._paused and not self._closing:
            self._paused = False
            self._incoming.start_reading()

    def _deliver(self) -> None:
        pipe = self._incoming
        pipe.scheduled = False
        if not pipe.reading:
            return
        if not pipe.inbox:
            self._deliver_end()
            return
        try:
            if self._buffered:
                self._fill()
            else:
                self._protocol.data_received(pipe.take())
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001  # a protocol's error ends its connection, as in asyncio
            self._fail(error, "protocol failed to receive data")
            return
        if pipe.inbox or pipe.end is not None:
            pipe.wake()

    def _fill(self) -> None:
        buffer = memoryview(self._protocol.get_buffer(-1))
        if not buffer.nbytes:
            raise RuntimeError("get_buffer() returned an empty buffer")
        self._protocol.buffer_updated(self._incoming.take_into(buffer))

    def _deliver_end(self) -> None:
        pipe = self._incoming
        end, pipe.end = pipe.end, None
        if end is End.RESET:
            self._lose(self._write_error)
        elif end is End.EOF:
            pipe.reading = False
            self._deliver_eof()

    def _deliver_eof(self) -> None:
        try:
            keep_open = self._protocol.eof_received()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001  # as in _deliver
            self._fail(error, "protocol.eof_received() failed")
            return
        if not keep_open:
            self.close()

    def _peer_reset(self, after_eof: bool) -> None:
        if self._lost:
            return
        code = errno.EPIPE if after_eof else errno.ECONNRESET
        self._write_error = OSError(code, os.strerror(code))  # BrokenPipeError or ConnectionResetError
        if self._buffer.size:
            self._lose(self._write_error)
        elif not after_eof:
            self._incoming.end = End.RESET
            self._incoming.wake()

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send as much as the window takes and buffer the rest; no effect once the connection is lost."""
        if type(data) is not bytes:
            data = _as_bytes(data)
        if self._eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data or self._lost:
            return
        pipe = self._outgoing
        if not self._buffer.size and len(data) <= pipe.free and self._write_error is None:
            pipe.send(data)
        elif self._write_error is not None:
            self._lose(self._write_error)
        else:
            self._buffer.append(data)
            self._push()
            self._pause_protocol_if_high()

    def writelines(self, list_of_data: Any) -> None:
        """Write all pieces at once."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """True: connections can be half-closed."""
        return True

    def write_eof(self) -> None:
        """Send EOF after the buffered bytes; reading goes on. OSError (ENOTCONN) when the peer has reset."""
        if self._closing or self._eof_written:
            return
        self._eof_written = True
        if self._write_error is not None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if not self._buffer.size:
            self._outgoing.finish()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As asyncio: high 64 KiB, low a quarter of it by default; 0 pauses whenever bytes are buffered."""
        self._buffer.set_limits(high, low)
        self._pause_protocol_if_high()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high) in bytes."""
        return self._buffer.low, self._buffer.high

    def get_write_buffer_size(self) -> int:
        """Bytes buffered because the window was full."""
        return self._buffer.size

    def _push(self) -> None:
        buffer, pipe = self._buffer, self._outgoing
        while buffer.size and pipe.free > 0:
            pipe.send(buffer.take(pipe.free))
        pipe.blocked = bool(buffer.size)

    def _flush(self) -> None:
        """Send buffered bytes after the reader made room."""
        if self._lost:
            return
        self._push()
        if self._lost:
            return
        if self._protocol_paused and self._buffer.size <= self._buffer.low:
            self._protocol_paused = False
            self._notify("resume_writing")
        if self._buffer.size or self._lost:
            return
        if self._closing:
            self._lost = True
            self._connection_lost(None)
        elif self._eof_written:
            self._outgoing.finish()

    def _pause_protocol_if_high(self) -> None:
        if self._buffer.size > self._buffer.high and not self._protocol_paused:
            self._protocol_paused = True
            self._notify("pause_writing")

    def _notify(self, method: str) -> None:
        try:
            getattr(self._protocol, method)()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001  # reported and survived, as in asyncio
            self._report(error, f"protocol.{method}() failed")


def _as_bytes(data: object) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
    return bytes(data)
