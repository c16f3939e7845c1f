"""uvicorn's HTTP/1.1 protocol with limits on size and time of a request, and two ways to cut a connection.

uvicorn has no limit on headers, waits for the rest of a request without end, and answers garbage in the
middle of another reply; its parser drops the body of a request that offers an upgrade, as Java's client does.
Here the head has a maximum size, the request a maximum size and a deadline, and a bad request is answered
after the requests before it, or the connection is closed.
"""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..plan import KeepAlive
from .connection import CLOSE, KEEP_ALIVE, RESET

_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST and drops what is unsent


class _TooLarge(Exception):
    """The head of a request exceeds `most_head_bytes`."""


class _EndlessLength(int):
    """The length of a body that ends with the connection: uvicorn's count of what is left never changes."""

    def __lt__(self, other: object) -> bool:
        return False

    def __sub__(self, other: int) -> "_EndlessLength":
        return self

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


class MockProtocol(HttpToolsProtocol):
    """One connection.

    - `most_head_bytes`: maximum of request line and headers, and of trailers (default 64 KiB); above it a 431
    - `most_request_bytes`: maximum of a request on the wire (default 256 MiB), also of one already answered;
      above it the connection is reset
    - `request_s`: maximum time for a request to arrive (default 60 s, nginx's for a head); then a 408
    - `linger_s`: how long input is read and dropped after an error reply (default 1 s): closing at once would
      reset the connection, and the client might lose the reply
    """

    most_head_bytes: ClassVar[int] = 64 * 1024
    most_request_bytes: ClassVar[int] = 256 * 1024 * 1024
    request_s: ClassVar[float] = 60.0
    linger_s: ClassVar[float] = 1.0

    _request_incomplete = False
    _in_head = False
    _head_bytes = 0
    _request_bytes = 0
    _ignores_input = False
    _deadline: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None
    _cut_next: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start the keep-alive timeout: it also limits the wait for the first request."""
        super().connection_made(transport)
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Also end the request being answered, even when others are queued behind it."""
        self._cancel_deadline()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        self._disconnect(self._running)

    def data_received(self, data: bytes) -> None:
        """Parse, and enforce the limits."""
        self._unset_keepalive_if_required()
        if self._ignores_input:
            return
        if self._cut_next is not None and self._idle:
            self._reset() if self._cut_next == "reset" else self.transport.close()
            return
        was_in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(431 if isinstance(error.__context__, _TooLarge) else 400)
        else:
            self._enforce_limits(len(data), was_in_head and self._in_head)

    def on_message_begin(self) -> None:
        """Add the cut extensions to the scope of the request that begins."""
        super().on_message_begin()
        cuts = {RESET: self._reset, CLOSE: self.transport.close, KEEP_ALIVE: self._set_keep_alive}
        self.scope["extensions"] = cuts  # type: ignore[typeddict-item]  # callables
        self._request_incomplete = self._in_head = True
        self._head_bytes = self._request_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the bytes of the request line."""
        super().on_url(url)
        self._head_bytes += len(url)
        if self._head_bytes > self.most_head_bytes:
            raise _TooLarge

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the bytes of a header; trailers are dropped."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self.most_head_bytes:
            raise _TooLarge
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """For an HTTP/1.0 client, which does not know chunked encoding, a stream ends with the connection."""
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":
            self.cycle.chunked_encoding, self.cycle.expected_content_length = False, _EndlessLength()

    def on_message_complete(self) -> None:
        """The request has arrived completely."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self._request_incomplete = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse the request again without its `Upgrade` header: with it the parser skips the body."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400)
            return
        head = [b"%s %s HTTP/1.1\r\n" % (method, self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _enforce_limits(self, size: int, only_head: bool) -> None:
        """Enforce size and time limits after `size` more bytes; `only_head`: all belong to one head."""
        self._request_bytes += size
        if not self._request_incomplete:
            self._cancel_deadline()
            if self._idle:  # line breaks between requests do not begin one
                self._wait_for_request()
        elif only_head and self._request_bytes > self.most_head_bytes:
            self._refuse(431)
        elif self._request_bytes > self.most_request_bytes:
            self.transport.abort()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_s, self._on_deadline)

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _wait_for_request(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _on_deadline(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # the server itself does not read: it is busy with the previous request
            self._deadline = self.loop.call_later(self.request_s, self._on_deadline)
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Read no more; earlier requests are answered, then the connection closes."""
        self._cancel_deadline()
        self._ignores_input = True
        cycle = self.cycle
        if (
            self._idle and self._request_incomplete and not self._in_head
        ):  # the rest of a request that is already answered
            self.transport.close()
        elif self._idle:
            self._send_error(status)
        elif not cycle.more_body:
            cycle.keep_alive = False
        elif cycle is self._running and not cycle.response_started:
            self._disconnect(cycle)
            self._send_error(status)
        else:
            self.transport.close()

    def _send_error(self, status: int) -> None:
        phrase = HTTPStatus(status).phrase.encode()
        head = b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\nconnection: close\r\n" % (status, phrase)
        self.transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(phrase), phrase))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(self.linger_s, self.transport.close)

    def _disconnect(self, cycle: RequestResponseCycle | None) -> None:
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _set_keep_alive(self, keep_alive: KeepAlive) -> None:
        if keep_alive.how == "idle":
            self.timeout_keep_alive = keep_alive.after_s  # type: ignore[assignment]  # call_later takes floats
        else:
            self._cut_next = keep_alive.how

    def _reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        if hasattr(sock, "setsockopt"):  # an in-memory transport has none to set
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.transport.abort()
