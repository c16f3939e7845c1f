"""The public loop: virtual time and an in-memory network."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from .deadlock import describe_task
from .interpreter import check_interpreter
from .leak_report import LeakReport
from .net.network import Network
from .net.server import MemoryServer
from .net.transport import MemoryTransport
from .scheduler import Scheduler
from .unsupported import Unsupported

_P = TypeVar("_P", bound=asyncio.BaseProtocol)


class VirtualLoop(Unsupported, Scheduler):
    """An asyncio loop in virtual time with an in-memory network; the rest is asyncio's own.

    `time()` starts at 0.0 s. Callbacks that are ready run first in, first out; timers of one instant fire in
    the order in which they were set; a timer at infinity never fires. While executor jobs run, or inside
    `hold_time()`, the clock stands still and the loop waits in real time. Raises `Deadlock` when the
    program can never continue; constructing one raises `UntriedInterpreter` on a Python that was not tried.

    Not deterministic: callbacks from other threads and real file descriptors. A program that spins
    (`while ...: await sleep(0)`) until a timer fires hangs, because the clock moves only when it is idle.

    network  the in-memory network: names, delays, open connections
    """

    def __new__(cls) -> Self:
        """Before `__init__`: asyncio's `__del__` fails on a loop that is half made."""
        check_interpreter()
        return super().__new__(cls)

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(self, self._ready)

    async def create_server(  # type: ignore[override]  # asyncio's overloads differ by Python version
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        family: int = 0,
        sock: socket.socket | None = None,
        ssl: object = None,
        start_serving: bool = True,
        **_: Any,
    ) -> MemoryServer:
        """asyncio's, in memory; of a `sock` only the address is used, backlog and reuse options are ignored.

        Port 0 takes the next free port from 49152 up. Raises OSError (EADDRINUSE), socket.gaierror,
        NotImplementedError for `ssl`.
        """
        _refuse_tls(ssl)
        return await self.network.create_server(
            protocol_factory, host, port, sock=sock, family=family, start_serving=start_serving
        )

    async def create_connection(
        self,
        protocol_factory: Callable[[], _P],
        host: str | None = None,
        port: int | None = None,
        *,
        ssl: object = None,
        family: int = 0,
        sock: socket.socket | None = None,
        local_addr: tuple[str, int] | None = None,
        **_: Any,
    ) -> tuple[MemoryTransport, _P]:
        """asyncio's, in memory; a host's addresses are tried one after the other.

        ConnectionRefusedError when no server listens, socket.gaierror, NotImplementedError for `ssl`.
        """
        _refuse_tls(ssl)
        return await self.network.create_connection(
            protocol_factory, host, port, sock=sock, family=family, local_addr=local_addr
        )

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect in memory; `create_connection(sock=sock)` then makes the transport, closing the socket."""
        await self.network.sock_connect(sock, address)

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> list[Any]:
        """Answered from the network's names, without a thread; socket.gaierror for an unknown one."""
        hints["kind"] = hints.pop("type", 0)
        return self.network.names.getaddrinfo(host, port, **hints)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """The numeric host and port: in memory, addresses have no names."""
        return str(sockaddr[0]), str(sockaddr[1])

    def leak_report(self) -> LeakReport:
        """The resources in use now."""
        current = asyncio.current_task(self) if self.is_running() else None
        return LeakReport(
            tasks=tuple(describe_task(task) for task in self.pending_tasks() if task is not current),
            connections=tuple(str(link) for link in self.network.open_connections),
            servers=tuple(f"{host}:{port}" for host, port in self.network.listening),
            timers=sum(not timer.cancelled() for _, _, timer in self._timers),
            jobs=len(self._jobs.queue),
        )

    def close(self) -> None:
        """asyncio's; open connections are dropped without a callback."""
        self.network.close()
        super().close()


def _refuse_tls(ssl: object) -> None:
    if ssl:
        raise NotImplementedError("ssl: the in-memory network does not encrypt; use http:// URLs")
