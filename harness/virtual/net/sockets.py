"""The part of a socket's interface that libraries use on transports and servers, without a socket."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any


class MemorySocket:
    """Addresses and types of one in-memory socket; options are accepted without effect.

    `fileno()` serves libraries that poll it to detect a closed peer (httpcore does, before it reuses an idle
    connection): a descriptor that is never readable while there is nothing to read, -1 (which counts as
    readable) otherwise. Nothing can be read from it or written to it.
    """

    __slots__ = ("_fileno", "_name", "_peer", "family", "proto", "type")

    def __init__(
        self, name: tuple[Any, ...], peer: tuple[Any, ...] | None, fileno: Callable[[], int]
    ) -> None:
        self._name = name
        self._peer = peer
        self._fileno = fileno
        self.family = socket.AF_INET6 if ":" in name[0] else socket.AF_INET
        self.type = socket.SOCK_STREAM
        self.proto = socket.IPPROTO_TCP

    def __repr__(self) -> str:
        return f"<MemorySocket {self._name} peer={self._peer}>"

    def getsockname(self) -> tuple[Any, ...]:
        """(host, port), for IPv6 (host, port, 0, 0)."""
        return self._name

    def getpeername(self) -> tuple[Any, ...]:
        """As getsockname, of the other end; OSError (ENOTCONN) for a listening socket."""
        if self._peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._peer

    def fileno(self) -> int:
        """A descriptor to poll; see the class."""
        return self._fileno()

    def setsockopt(self, *_: object) -> None:
        """Accepted, without effect."""

    def getsockopt(self, _level: int, _option: int, buflen: int = 0) -> int | bytes:
        """0, or `buflen` zero bytes."""
        return bytes(buflen) if buflen else 0

    def gettimeout(self) -> float:
        """0 s: non-blocking, as asyncio's sockets are."""
        return 0.0

    def setblocking(self, _flag: bool) -> None:
        """Accepted, without effect."""
