"""The bound addresses of a network, and the next free port."""

import errno
import itertools
import socket
from typing import Any

from .medium import Address
from .server import MemoryServer

_FIRST_FREE_PORT = 49152
_WILDCARDS = ("0.0.0.0", "::")


class Listeners:
    """The servers of a network by address; port 0 takes the next free port from 49152 up."""

    def __init__(self) -> None:
        self._servers: dict[Address, MemoryServer] = {}
        self._ports = itertools.cycle(range(_FIRST_FREE_PORT, 65536))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The bound addresses, in the order of binding."""
        return tuple(self._servers)

    def at(self, address: Address) -> MemoryServer | None:
        """The server bound to the address, or to its port on a wildcard address."""
        for host in (address[0], *_WILDCARDS):
            server = self._servers.get((host, address[1]))
            if server is not None:
                return server
        return None

    def free_port(self, hosts: list[str]) -> int:
        """The next port that is free on all hosts."""
        return next(port for port in self._ports if not any(self.at((host, port)) for host in hosts))

    def check_free(self, addresses: list[Address]) -> None:
        """Raise OSError (EADDRINUSE) if one of the addresses is bound."""
        for address in addresses:
            if address in self._servers:
                message = f"error while attempting to bind on address {address!r}: address already in use"
                raise OSError(errno.EADDRINUSE, message)

    def bind(self, addresses: list[Address], server: MemoryServer) -> None:
        """Bind the addresses to the server."""
        self._servers.update(dict.fromkeys(addresses, server))

    def unbind(self, addresses: list[Address]) -> None:
        """Free the addresses."""
        for address in addresses:
            self._servers.pop(address, None)

    def close(self) -> None:
        """Close every server."""
        for server in list(self._servers.values()):
            server.close()


def address_of(sock: socket.socket) -> tuple[Any, ...]:
    """The address a socket is bound to; ValueError unless that is a TCP port."""
    address: Any = sock.getsockname()
    if not isinstance(address, tuple) or not address[1]:
        raise ValueError(f"create_server(sock=): expected a TCP socket that is bound to a port, got {sock!r}")
    return address
