"""uvicorn servers: listening sockets, configuration for streams, graceful shutdown."""

import asyncio
import errno
import socket
from collections.abc import Callable

import uvicorn

from . import asgi
from .uvicorn_version import check_uvicorn

_BACKLOG = 2048
_KEEP_ALIVE_S = 75  # nginx's default: longer than clients keep idle connections
_GRACE_S = 0.5


class BindError(Exception):
    """A socket cannot be opened; the message is one line."""


class PortInUse(BindError):
    """Another process listens on the port."""


def build_server(app: asgi.AsgiApp, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """A uvicorn server for streams, not started: no access log, no lifespan, no signals.

    Raises UntriedUvicorn.
    """
    check_uvicorn()
    # After the check: an untried uvicorn may lack the names that the protocol imports.
    from .protocol import MockProtocol

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="asyncio",
        http=MockProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


def listen(host: str, port: int, name: str) -> socket.socket:
    """A listening TCP socket; `name` is for error messages. Raises PortInUse or BindError."""
    # asyncio sets TCP_NODELAY only on sockets that name their protocol, and accepted sockets inherit it from
    # here: without it Nagle's algorithm delays small writes by 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Listening at once also detects a port that another process holds with SO_REUSEADDR.
        sock.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUse(f"{host}:{port} ({name}): already in use") from None
        raise BindError(f"{host}:{port} ({name}): {getattr(error, 'strerror', None) or error}") from None
    sock.setblocking(False)
    return sock


async def shut_down(server: uvicorn.Server, cut: Callable[[], None] | None = None) -> None:
    """Stop a started server: no new connections, 0.5 s for replies in flight, then the rest is cut.

    `cut` ends the application's requests (default: their tasks are cancelled).
    """
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    await _finished(server, _GRACE_S)
    if cut is not None:
        cut()
    else:
        for task in list(server.server_state.tasks):
            task.cancel()
    await _finished(server, _GRACE_S)
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    await _finished(server, _GRACE_S)


async def _finished(server: uvicorn.Server, timeout_s: float) -> None:
    """Wait for the requests in flight."""
    if tasks := list(server.server_state.tasks):
        await asyncio.wait(tasks, timeout=timeout_s)
