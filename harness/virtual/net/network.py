"""The in-memory network: who listens where, who is connected to whom, and how long the way is."""

import asyncio
import errno
import itertools
import os
import socket
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .connection import Connection, Link
from .listeners import Listeners, address_of
from .names import Names
from .pipe import Address, DelayOf
from .server import MemoryServer
from .sockets import MemorySocket
from .transport import MemoryTransport

_P = TypeVar("_P", bound=asyncio.BaseProtocol)

Delay = float | Mapping[Address, float] | DelayOf
"""One-way seconds: for every link, by the server's (host, port), or of (source, destination)."""

_CLIENT_PORTS = range(32768, 49152)
_WINDOW_BYTES = 256 * 1024


class Network:
    """The network of one loop.

    names         host names; `network.names.register("api.example.com", "10.0.0.1")` makes one known
    delay_s       one-way delay (default 0): a number of seconds, a mapping by the server's (host, port), or a
                  callable (source, destination) -> seconds, asked for every burst. Applied to data, EOF and
                  reset; a connect takes a round trip. Order is always kept. math.inf is a black hole: what is
                  sent into it never arrives, nor does anything sent after it on that connection
    window_bytes  what one direction of a connection holds between writer and reader (256 KiB)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: deque[asyncio.Handle]) -> None:
        self.loop = loop
        self.ready = ready
        self.names = Names()
        self.window_bytes = _WINDOW_BYTES
        self.delay_of: DelayOf | None = None
        self._delay: Delay = 0.0
        self._listeners = Listeners()
        self._connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self._client_ports = itertools.cycle(_CLIENT_PORTS)
        self._connected: weakref.WeakKeyDictionary[socket.socket, _Route] = weakref.WeakKeyDictionary()
        self._quiet: tuple[int, int] | None = None

    @property
    def delay_s(self) -> Delay:
        """See the class."""
        return self._delay

    @delay_s.setter
    def delay_s(self, delay: Delay) -> None:
        self._delay = delay
        self.delay_of = _delay_of(delay)

    @property
    def open_connections(self) -> tuple[Link, ...]:
        """Connections that at least one end has not closed, oldest first."""
        return tuple(connection.link for connection in self._connections.values())

    @property
    def listening(self) -> tuple[Address, ...]:
        """Addresses that are bound, in the order of binding."""
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
        """Bind and listen; port 0 takes 49152 and up. A `sock` lends its address, and closes with the server.

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
        self._listeners.claim(keys)

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
        """Connect to whoever listens at the first address of the host that answers.

        Raises ConnectionRefusedError when nobody listens, socket.gaierror for an unknown host.
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
        """Find out who listens, and remember it for `create_connection(sock=sock)`."""
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise NotImplementedError(f"sock_connect: the in-memory network knows TCP only, got {sock!r}")
        bound = sock.getsockname()
        self._connected[sock] = await self._route(address, bound if bound[1] else None)

    def _route_of(self, sock: socket.socket) -> "_Route":
        route = self._connected.pop(sock, None)
        if route is None:
            raise NotImplementedError(f"create_connection(sock=): sock_connect() does not know {sock!r}")
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
        """Knock at an address: a round trip, then who listens there."""
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
        timer = self.loop.call_later(delay_s, _arrive, arrived)
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
        self.loop.call_soon(_arrive, connected)
        try:
            await connected
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    # -- the rest --------------------------------------------------------------------------------------------

    def quiet_fileno(self) -> int:
        """A real file descriptor that is never readable, shared by all sockets that have nothing to read."""
        if self._quiet is None:
            self._quiet = os.pipe()
        return self._quiet[0]

    def close(self) -> None:
        """Forget everything."""
        self._listeners.close()
        for connection in self._connections.values():
            connection.vanish()
        self._connections.clear()
        if self._quiet is not None:
            os.close(self._quiet[0])
            os.close(self._quiet[1])
            self._quiet = None


@dataclass(frozen=True, slots=True)
class _Route:
    """An answered knock: who listens, and the addresses of the two ends."""

    server: MemoryServer
    local: tuple[Any, ...]
    remote: tuple[Any, ...]


def _arrive(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _delay_of(delay: Delay) -> DelayOf | None:
    if callable(delay):
        return delay
    if isinstance(delay, Mapping):
        by_server = dict(delay)
        return lambda source, destination: by_server.get(destination, by_server.get(source, 0.0))
    if not delay >= 0:
        raise ValueError(f"delay_s: expected seconds, 0 or more, got {delay!r}")
    seconds = delay
    return (lambda _source, _destination: seconds) if seconds else None
