"""Serving an ASGI application on whatever network the running event loop has: loopback sockets or memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mock_providers import AsgiApp, build_server, shut_down


@asynccontextmanager
async def serve(app: AsgiApp, *, cut: Callable[[], None] | None = None) -> AsyncIterator[str]:
    """The application on a free port of 127.0.0.1; gives its origin, `http://127.0.0.1:PORT`.

    At the end replies in flight get half a second, then `cut` ends what the application still does (by
    default its requests are cancelled).
    """
    server = build_server(app)
    await server.startup()
    try:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        await shut_down(server, cut)
