"""uvicorn's HTTP protocol with bounds on what a client may do, and two ways to cut a connection.

uvicorn reads headers without end, waits for the rest of a request for ever, and answers garbage in the middle
of another reply; its parser drops the body of a request that offers an upgrade, as those of Java's client do.
Here a head has a size, a request has a time and a size to arrive in, and whatever is wrong
with one is answered after the requests before it, or by closing.
"""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .connection import CLOSE, RESET

_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST and drops what is unsent


class _TooLarge(Exception):
    """The head of a request is longer than the server reads."""


class _AnyLength(int):
    """The length of a body that ends when the connection does: whatever is sent of it, as much is left."""

    def __lt__(self, other: object) -> bool:
        return False

    def __sub__(self, other: int) -> "_AnyLength":
        return self

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


class MockProtocol(HttpToolsProtocol):
    """One connection.

    - `most_head_bytes`: of request line and headers, and of trailers (default 64 KiB); more gets a 431
    - `most_request_bytes`: of a request as it travels (default 256 MiB), also of one that has had its answer;
      more cuts the connection
    - `request_s`: how long a request may take to arrive (default 60, nginx's for a head); then a 408
    - `linger_s`: how long what a refused client still sends is read and dropped (default 1): closing at once
      would reset the connection, and the client might lose its answer
    """

    most_head_bytes: ClassVar[int] = 64 * 1024
    most_request_bytes: ClassVar[int] = 256 * 1024 * 1024
    request_s: ClassVar[float] = 60.0
    linger_s: ClassVar[float] = 1.0

    _arriving = False
    _in_head = False
    _head_bytes = 0
    _request_bytes = 0
    _deaf = False
    _deadline: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Wait for a first request no longer than for the next one."""
        super().connection_made(transport)
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered too, when others are queued behind it."""
        self._forget_deadline()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        self._give_up_on(self._running)

    def data_received(self, data: bytes) -> None:
        """Parse, and see to it that the request ends some time."""
        self._unset_keepalive_if_required()
        if self._deaf:
            return
        was_in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(431 if isinstance(error.__context__, _TooLarge) else 400)
        else:
            self._keep_bounds(len(data), was_in_head and self._in_head)

    def on_message_begin(self) -> None:
        """Offer the extensions to the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {RESET: self._reset, CLOSE: self.transport.close}  # type: ignore[dict-item]  # callables
        self._arriving = self._in_head = True
        self._head_bytes = self._request_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count."""
        super().on_url(url)
        self._head_bytes += len(url)
        if self._head_bytes > self.most_head_bytes:
            raise _TooLarge

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count; trailers are dropped."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self.most_head_bytes:
            raise _TooLarge
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A client of HTTP/1.0 knows no chunks: for it a stream ends with the connection."""
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":
            self.cycle.chunked_encoding, self.cycle.expected_content_length = False, _AnyLength()

    def on_message_complete(self) -> None:
        """The request is there."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self._arriving = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _decline(self, rest: bytes) -> None:
        """Take the request as if it had not offered another protocol: the parser skips the body then."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400)
            return
        head = [b"%s %s HTTP/1.1\r\n" % (method, self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _keep_bounds(self, size: int, only_head: bool) -> None:
        """After `size` bytes more, `only_head`: all of them within one head."""
        self._request_bytes += size
        if not self._arriving:
            self._forget_deadline()
            if self._idle:  # line breaks between requests are no request
                self._wait_for_request()
        elif only_head and self._request_bytes > self.most_head_bytes:
            self._refuse(431)
        elif self._request_bytes > self.most_request_bytes:
            self.transport.abort()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_s, self._too_late)

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _wait_for_request(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _too_late(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # the server does not read: it is busy with the request before
            self._deadline = self.loop.call_later(self.request_s, self._too_late)
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """No more is read of this connection; what was asked before is answered, then it closes."""
        self._forget_deadline()
        self._deaf = True
        cycle = self.cycle
        if (
            self._idle and self._arriving and not self._in_head
        ):  # the rest of a request that has been answered
            self.transport.close()
        elif self._idle:
            self._say(status)
        elif not cycle.more_body:
            cycle.keep_alive = False
        elif cycle is self._running and not cycle.response_started:
            self._give_up_on(cycle)
            self._say(status)
        else:
            self.transport.close()

    def _say(self, status: int) -> None:
        phrase = HTTPStatus(status).phrase.encode()
        head = b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\nconnection: close\r\n" % (status, phrase)
        self.transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(phrase), phrase))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(self.linger_s, self.transport.close)

    def _give_up_on(self, cycle: RequestResponseCycle | None) -> None:
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        if hasattr(sock, "setsockopt"):  # an in-memory transport has none to set
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.transport.abort()
