"""ASGI applications on the network of the running event loop: loopback sockets, or memory in virtual time."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from harness.stack.upstream.endpoint import Endpoint
from mock_providers import AsgiApp, MockApp, build_server, sdk_base_url, shut_down

from .provider_keys import PROVIDER_KEY


@asynccontextmanager
async def serve(app: AsgiApp, *, cut: Callable[[], None] | None = None) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; yields the origin, `http://127.0.0.1:PORT`.

    At the end replies in flight get half a second, then `cut` ends the rest (default: cancel requests).
    """
    server = build_server(app)
    await server.startup()
    try:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        await shut_down(server, cut)


@asynccontextmanager
async def serve_provider(app: MockApp, name: str, keys: dict[str, str]) -> AsyncIterator[Endpoint]:
    """Serve one mock provider; yields its endpoint: the base URL that its SDK takes, and `keys` by name."""
    async with serve(app.provider(name), cut=app.hang_up) as origin:
        yield Endpoint(sdk_base_url(app.profile.providers[name].protocol, origin), PROVIDER_KEY, keys)
