"""One client's connection, from its ASGI callables: read the body, wait, write, cut."""

import asyncio

from ..plan import KeepAlive
from ..wire.dialect import HeadersOut
from . import asgi

RESET = "brownout.reset"
CLOSE = "brownout.close"
"""Keys of `scope["extensions"]`: callables that cut the connection, by TCP reset or orderly close."""
KEEP_ALIVE = "brownout.keep_alive"
"""Key of `scope["extensions"]`: a callable that takes what becomes of the connection after the reply."""
SPLIT_PAUSE_S = 0.001
"""Between the parts of a split write, so that they are not sent as one TCP segment."""


class ClientGone(Exception):
    """The client has disconnected, or the server is shutting down."""


class BodyTooLarge(Exception):
    """The request's body exceeds the limit."""


class ClientConnection:
    """The connection of one request: read the body, wait, write, cut.

    Times are seconds on the event loop's clock. All coroutines but `cut` raise ClientGone; a wait does so
    as soon as the client disconnects.
    """

    def __init__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        self._loop = asyncio.get_running_loop()
        self._extensions = scope.get("extensions") or {}
        self._receive = receive
        self._send = send
        self._waiter: asyncio.Future[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._client_gone = False
        self.interrupted = False

    def now(self) -> float:
        """The time on the loop's clock."""
        return self._loop.time()

    async def body(self, limit: int) -> bytes:
        """The whole request body; raises BodyTooLarge above `limit` bytes."""
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > limit:
                raise BodyTooLarge
            if not message.get("more_body", False):
                return bytes(body)

    async def until(self, when: float) -> None:
        """Return at `when`, at once if it has passed."""
        if not self._client_gone and when > self._loop.time():
            self._listen()
            self._waiter = self._loop.create_future()
            timer = self._loop.call_at(when, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._client_gone:
            raise ClientGone

    async def yield_to_loop(self) -> None:
        """Let other tasks run, so that a disconnect is noticed."""
        self._listen()
        await asyncio.sleep(0)
        if self._client_gone:
            raise ClientGone

    async def start(self, status: int, headers: HeadersOut) -> None:
        """Send the status line and headers."""
        await self._send_message({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        await self._send_message({"type": "http.response.body", "body": data, "more_body": more})

    async def write_split(self, data: bytes, *, more: bool) -> None:
        """The same in two parts, cut within a character of several bytes if there is one."""
        middle = next((at for at, byte in enumerate(data) if byte & 0xC0 == 0x80), len(data) // 2)
        await self.write(data[:middle], more=True)
        await self.until(self.now() + SPLIT_PAUSE_S)
        await self.write(data[middle:], more=more)

    def after_reply(self, keep_alive: KeepAlive) -> None:
        """Decide what becomes of the connection; without the server's extension it is kept."""
        if set_keep_alive := self._extensions.get(KEEP_ALIVE):
            set_keep_alive(keep_alive)

    async def cut(self, how: str) -> None:
        """Cut the connection (RESET or CLOSE); raises ConnectionResetError without the server's extension."""
        cutter = self._extensions.get(how)
        if cutter is None:
            raise ConnectionResetError("the mock provider cut this connection on purpose")
        cutter()
        await self._listen()

    def interrupt(self) -> None:
        """End the request because the server shuts down: pending waits raise ClientGone."""
        self.interrupted = True
        self._end_waits()

    def close(self) -> None:
        """Stop listening for a disconnect; the request is over."""
        if self._listener is not None:
            self._listener.cancel()

    async def _send_message(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError:  # raised by ASGI servers when the client is gone
            raise ClientGone from None

    def _listen(self) -> asyncio.Task[None]:
        if self._listener is None:
            self._listener = self._loop.create_task(self._watch_for_disconnect())
        return self._listener

    async def _watch_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end_waits()

    def _end_waits(self) -> None:
        self._client_gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
