"""One client's connection, from its ASGI callables: read the body, wait, write, cut."""

import asyncio

from ..wire.dialect import HeadersOut
from . import asgi

RESET = "brownout.reset"
CLOSE = "brownout.close"
"""Keys of `scope["extensions"]`: callables that cut the connection, with a TCP reset or an orderly close."""


class ClientGone(Exception):
    """The client has left, or the server is shutting down: nobody is there to play for."""


class BodyTooLarge(Exception):
    """The request's body is longer than the server reads."""


class ClientConnection:
    """One request's connection: read the body, wait, write, cut; every wait ends when the client leaves."""

    def __init__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        self._loop = asyncio.get_running_loop()
        self._extensions = scope.get("extensions") or {}
        self._receive = receive
        self._send = send
        self._waiter: asyncio.Future[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._gone = False
        self.interrupted = False

    def now(self) -> float:
        """The loop's clock, seconds."""
        return self._loop.time()

    async def body(self, limit: int) -> bytes:
        """The whole request body; raises Gone, or BodyTooLarge past `limit` bytes."""
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
        """Return at `when` on the loop's clock, at once if that has passed; raises Gone."""
        if not self._gone and when > self._loop.time():
            self._listen()
            self._waiter = self._loop.create_future()
            timer = self._loop.call_at(when, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._gone:
            raise ClientGone

    async def breathe(self) -> None:
        """Let others run, a departing client among them."""
        self._listen()
        await asyncio.sleep(0)
        if self._gone:
            raise ClientGone

    async def start(self, status: int, headers: HeadersOut) -> None:
        """Send the status line and headers."""
        await self._sent({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        await self._sent({"type": "http.response.body", "body": data, "more_body": more})

    async def cut(self, how: str) -> None:
        """Cut the connection (RESET or CLOSE); where the server offers no such thing, raise instead."""
        cutter = self._extensions.get(how)
        if cutter is None:
            raise ConnectionResetError("the mock provider cut this connection on purpose")
        cutter()
        await self._listen()

    def interrupt(self) -> None:
        """The server is shutting down: whoever waits raises Gone."""
        self.interrupted = True
        self._leave()

    def close(self) -> None:
        """The request is over."""
        if self._listener is not None:
            self._listener.cancel()

    async def _sent(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError:  # what ASGI servers raise when the client is gone
            raise ClientGone from None

    def _listen(self) -> asyncio.Task[None]:
        if self._listener is None:
            self._listener = self._loop.create_task(self._hear_disconnect())
        return self._listener

    async def _hear_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
