"""One connection: two pipes, one for each direction, and the transports of its two ends."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from .medium import Address, Medium
from .pipe import Pipe
from .sockets import MemorySocket
from .transport import MemoryTransport


class Link(NamedTuple):
    """The two addresses of a connection."""

    client: Address
    server: Address

    def __str__(self) -> str:
        return f"{self.client[0]}:{self.client[1]} -> {self.server[0]}:{self.server[1]}"


class Connection:
    """Makes the transports of the two ends; `on_closed` is called once, when both have closed."""

    def __init__(self, medium: Medium, client: tuple[Any, ...], server: tuple[Any, ...]) -> None:
        self.link = Link((client[0], client[1]), (server[0], server[1]))
        self.on_closed: Callable[[], object] = lambda: None
        self._medium = medium
        self._client, self._server = client, server
        self._up = Pipe(medium, self.link.client, self.link.server, medium.window_bytes)
        self._down = Pipe(medium, self.link.server, self.link.client, medium.window_bytes)
        self._up.reverse, self._down.reverse = self._down, self._up
        self._open_ends = 2
        self._transports: list[MemoryTransport] = []

    def client_transport(self, protocol: asyncio.BaseProtocol) -> MemoryTransport:
        """The transport of the end that connected."""
        return self._transport(protocol, self._down, self._up, self._client, self._server, lambda _: None)

    def server_transport(
        self, protocol: asyncio.BaseProtocol, on_closed: Callable[[MemoryTransport], None]
    ) -> MemoryTransport:
        """The transport of the end that accepted; `on_closed` is called when it has closed."""
        return self._transport(protocol, self._up, self._down, self._server, self._client, on_closed)

    def detach(self) -> None:
        """Close both ends without a callback, because the loop is closed."""
        for transport in self._transports:
            transport.detach()

    def refuse(self) -> None:
        """Reset the client's end: the server cannot accept after all."""
        self._up.close()
        self._down.reset()
        self._close_end()

    def _transport(
        self,
        protocol: asyncio.BaseProtocol,
        incoming: Pipe,
        outgoing: Pipe,
        name: tuple[Any, ...],
        peer: tuple[Any, ...],
        on_closed: Callable[[MemoryTransport], None],
    ) -> MemoryTransport:
        def close_end(transport: MemoryTransport) -> None:
            on_closed(transport)
            self._close_end()

        def fileno() -> int:
            return -1 if incoming.readable() else self._medium.quiet_fileno()

        transport = MemoryTransport(
            self._medium.loop,
            protocol,
            incoming=incoming,
            outgoing=outgoing,
            extra={"socket": MemorySocket(name, peer, fileno), "sockname": name, "peername": peer},
            on_closed=close_end,
        )
        self._transports.append(transport)
        return transport

    def _close_end(self) -> None:
        self._open_ends -= 1
        if self._open_ends == 0:
            # Breaks a reference cycle: otherwise a closed connection waits for the garbage collector.
            self._up.reverse = self._down.reverse = None
            self._transports.clear()
            self.on_closed()
