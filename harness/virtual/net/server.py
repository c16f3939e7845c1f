"""A listening server of the in-memory network, with the interface of asyncio.Server."""

import asyncio
import contextvars
import sys
from collections.abc import Callable

from .connection import Connection
from .sockets import MemorySocket
from .transport import MemoryTransport


class MemoryServer(asyncio.AbstractServer):
    """Accepts connections on its addresses from start_serving() to close().

    `wait_closed` is that of the running Python: at once after close() up to 3.11, once all connections have
    ended from 3.12 on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        sockets: list[MemorySocket],
        on_closed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._protocol_factory = protocol_factory
        self._sockets: tuple[MemorySocket, ...] = tuple(sockets)
        self._on_closed = on_closed
        self._context = contextvars.copy_context()
        self._connections: dict[MemoryTransport, None] = {}
        self._serving = False
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._forever: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<MemoryServer {[sock.getsockname() for sock in self.sockets]}>"

    @property
    def sockets(self) -> tuple[MemorySocket, ...]:
        """The listening sockets; none once closed."""
        return () if self._closed else self._sockets

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop the server runs on."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._serving

    def listen(self) -> None:
        """Accept connections from now on; again has no effect. RuntimeError once closed."""
        if self._closed:
            raise RuntimeError(f"server {self!r} is closed")
        self._serving = True

    async def start_serving(self) -> None:
        """listen(), as a coroutine."""
        self.listen()
        await asyncio.sleep(0)

    async def serve_forever(self) -> None:
        """Serve until cancelled, then close."""
        if self._forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        self.listen()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        except asyncio.CancelledError:
            self.close()
            await self.wait_closed()
            raise
        finally:
            self._forever = None

    def close(self) -> None:
        """Accept no more; open connections go on."""
        if self._closed:
            return
        self._closed = True
        self._serving = False
        self._on_closed()
        if self._forever is not None and not self._forever.done():
            self._forever.cancel()
        self._wake_waiters()

    def close_clients(self) -> None:
        """close() every open connection."""
        for transport in list(self._connections):
            transport.close()

    def abort_clients(self) -> None:
        """abort() every open connection."""
        for transport in list(self._connections):
            transport.abort()

    async def wait_closed(self) -> None:
        """Wait as asyncio.Server.wait_closed of the running Python does."""
        if self._closed and (sys.version_info < (3, 12) or not self._connections):
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake_waiters(self) -> None:
        if not self._closed or self._connections:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def accept(self, connection: Connection) -> None:
        """Make the server's end at the loop's next turn, in a copy of the server's context."""
        self._loop.call_soon(self._accept, connection, context=self._context.copy())

    def _accept(self, connection: Connection) -> None:
        if not self._serving:
            connection.refuse()
            return
        try:
            protocol = self._protocol_factory()
        except Exception:
            connection.refuse()
            raise
        transport = connection.server_transport(protocol, self._forget)
        self._connections[transport] = None

    def _forget(self, transport: MemoryTransport) -> None:
        self._connections.pop(transport, None)
        self._wake_waiters()
