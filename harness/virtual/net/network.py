"""The in-memory network: binding, name lookup, connecting."""

import asyncio
import errno
import itertools
import socket
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .connection import Connection, Link
from .listeners import Listeners, address_of
from .medium import Address, Medium
from .names import Names
from .server import MemoryServer
from .sockets import MemorySocket
from .transport import MemoryTransport

_P = TypeVar("_P", bound=asyncio.BaseProtocol)

_CLIENT_PORTS = range(32768, 49152)


class Network(Medium):
    """The network of one loop: its medium (`delay_s`, `window_bytes`), listeners and connections.

    names  host names; `network.names.register("api.example.com", "10.0.0.1")` adds one
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: deque[asyncio.Handle]) -> None:
        super().__init__(loop, ready)
        self.names = Names()
        self._listeners = Listeners()
        self._connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self._client_ports = itertools.cycle(_CLIENT_PORTS)
        self._routes: weakref.WeakKeyDictionary[socket.socket, _Route] = weakref.WeakKeyDictionary()

    @property
    def open_connections(self) -> tuple[Link, ...]:
        """Connections that at least one end has not closed, oldest first."""
        return tuple(connection.link for connection in self._connections.values())

    @property
    def listening(self) -> tuple[Address, ...]:
        """The bound addresses, in the order of binding."""
        return self._listeners.addresses

    # -- servers ---------------------------------------------------------------------------------------------

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Sequence[str] | None,
        port: int | None,
        *,
        sock: socket.socket | None,
        family: int,
        start_serving: bool,
    ) -> MemoryServer:
        """Bind and listen; port 0 takes the next free port from 49152 up.

        Of a `sock` only the address is used; it is closed with the server.

        Raises OSError (EADDRINUSE) for an address that is bound, socket.gaierror for an unknown host.
        """
        if sock is not None:
            if host is not None or port is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            addresses = [address_of(sock)]
        elif host is None and port is None:
            raise ValueError("Neither host/port nor sock were specified")
        else:
            addresses = self._bindable(host, port or 0, family)
        server = self._bind(protocol_factory, addresses, sock)
        if start_serving:
            await server.start_serving()
        return server

    def _bindable(self, host: str | Sequence[str] | None, port: int, family: int) -> list[tuple[Any, ...]]:
        hosts = [host] if host is None or isinstance(host, str) else list(host)
        found = {  # a dict for its order
            info[4]: None
            for name in hosts
            for info in self.names.getaddrinfo(name, port, family=family, flags=socket.AI_PASSIVE)
        }
        if port:
            return list(found)
        port = self._listeners.free_port([address[0] for address in found])
        return [(address[0], port, *address[2:]) for address in found]

    def _bind(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        addresses: list[tuple[Any, ...]],
        sock: socket.socket | None,
    ) -> MemoryServer:
        keys = [(address[0], address[1]) for address in addresses]
        self._listeners.check_free(keys)

        def unbind() -> None:
            self._listeners.unbind(keys)
            if sock is not None:
                sock.close()

        sockets = [MemorySocket(address, None, lambda: -1) for address in addresses]
        server = MemoryServer(self.loop, protocol_factory, sockets, unbind)
        self._listeners.bind(keys, server)
        return server

    # -- clients ---------------------------------------------------------------------------------------------

    async def create_connection(
        self,
        protocol_factory: Callable[[], _P],
        host: str | None,
        port: int | None,
        *,
        sock: socket.socket | None,
        family: int,
        local_addr: tuple[str, int] | None,
    ) -> tuple[MemoryTransport, _P]:
        """Connect to the first address of the host at which a server listens.

        Raises ConnectionRefusedError when none does, socket.gaierror for an unknown host.
        """
        if sock is not None:
            if host is not None or port is not None:
                raise ValueError("host/port and sock can not be specified at the same time")
            route = self._route_of(sock)
        elif host is None and port is None:
            raise ValueError("host and port was not specified and no sock specified")
        else:
            route = await self._first_answering(host, port, family, local_addr)
        return await self._open(protocol_factory, route)

    async def sock_connect(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        """Find the server at `address` and keep the route for `create_connection(sock=sock)`."""
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise NotImplementedError(f"sock_connect: the in-memory network knows TCP only, got {sock!r}")
        bound = sock.getsockname()
        self._routes[sock] = await self._route(address, bound if bound[1] else None)

    def _route_of(self, sock: socket.socket) -> "_Route":
        route = self._routes.pop(sock, None)
        if route is None:
            raise NotImplementedError(f"create_connection(sock=): sock_connect() has not connected {sock!r}")
        sock.close()
        return route

    async def _first_answering(
        self, host: str | None, port: int | None, family: int, local_addr: tuple[str, int] | None
    ) -> "_Route":
        refused: list[OSError] = []
        for info in self.names.getaddrinfo(host, port, family=family):
            try:
                return await self._route(info[4], local_addr)
            except OSError as error:
                refused.append(error)
        if len({str(error) for error in refused}) == 1:
            raise refused[0]
        raise OSError("Multiple exceptions: " + ", ".join(str(error) for error in refused))

    async def _route(self, remote: tuple[Any, ...], local: tuple[Any, ...] | None) -> "_Route":
        """Take a round trip, then look up the server that listens at `remote`."""
        if local is None or not local[1]:
            local = (local[0] if local else remote[0], next(self._client_ports), *remote[2:])
        there, back = (local[0], local[1]), (remote[0], remote[1])
        if self.delay_of is None:
            await asyncio.sleep(0)
        else:
            await self._pause(self.delay_of(there, back) + self.delay_of(back, there))
        server = self._listeners.at(back)
        if server is None or not server.is_serving():
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {remote!r}")
        return _Route(server, local, remote)

    async def _pause(self, delay_s: float) -> None:
        arrived = self.loop.create_future()
        timer = self.loop.call_later(delay_s, _wake, arrived)
        try:
            await arrived
        finally:
            timer.cancel()

    async def _open(self, protocol_factory: Callable[[], _P], route: "_Route") -> tuple[MemoryTransport, _P]:
        protocol = protocol_factory()
        connection = Connection(self, route.local, route.remote)
        number = next(self._numbers)
        self._connections[number] = connection
        connection.on_closed = lambda: self._connections.pop(number, None)
        route.server.accept(connection)
        transport = connection.client_transport(protocol)
        connected = self.loop.create_future()
        self.loop.call_soon(_wake, connected)
        try:
            await connected
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    def close(self) -> None:
        """Close the listeners, detach the connections; no callback runs."""
        self._listeners.close()
        for connection in self._connections.values():
            connection.detach()
        self._connections.clear()
        super().close()


@dataclass(frozen=True, slots=True)
class _Route:
    """An accepted connect: the server and the addresses of the two ends."""

    server: MemoryServer
    local: tuple[Any, ...]
    remote: tuple[Any, ...]


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
