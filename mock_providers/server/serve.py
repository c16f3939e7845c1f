"""One uvicorn server for all providers, each with its own port, which selects the provider of a request."""

import asyncio
import socket
from collections.abc import Callable, Mapping

from ..admin.api import BASE_URLS
from ..endpoints import PROTOCOLS
from ..exchange.names import ProtocolName
from ..http import asgi
from ..http.uvicorn_server import BindError, build_server, listen, shut_down
from .app import MockApp

ADMIN = "admin"


async def serve(
    app: MockApp,
    *,
    host: str = "127.0.0.1",
    ports: Mapping[str, int] | None = None,
    on_ready: Callable[[dict[str, str]], None],
    stop: asyncio.Event,
) -> None:
    """Serve every provider of the app and its admin API until `stop` is set.

    - `ports`: by provider name or "admin"; 0 (the default for each) takes any free one
    - `on_ready`: called once with the base URL that an SDK of each provider takes, by the same names
    - `stop`: refuses new connections; requests in flight get 0.5 s, then are cut and recorded

    Raises PortInUse or BindError before anything is served, ValueError for a port of an unknown provider.
    """
    sockets = _bind(app, host, ports or {})
    base_urls = {name: _base_url(app, name, sock) for name, sock in sockets.items()}
    server = build_server(_by_port(app, sockets, base_urls))
    await server.startup(sockets=list(sockets.values()))
    try:
        on_ready(base_urls)
        await stop.wait()
    finally:
        await shut_down(server, app.hang_up)


def _by_port(app: MockApp, sockets: Mapping[str, socket.socket], base_urls: dict[str, str]) -> asgi.AsgiApp:
    """The ASGI app that passes each request on by the port that it came to."""
    apps = {
        sock.getsockname()[1]: app.admin if name == ADMIN else app.provider(name)
        for name, sock in sockets.items()
    }

    async def route(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        scope[BASE_URLS] = base_urls
        await apps[scope["server"][1]](scope, receive, send)

    return route


def _bind(app: MockApp, host: str, ports: Mapping[str, int]) -> dict[str, socket.socket]:
    names = [*app.profile.providers, ADMIN]
    for name in ports:
        if name not in names:
            raise ValueError(f"ports.{name}: expected one of {', '.join(names)}")
    sockets: dict[str, socket.socket] = {}
    try:
        for name in names:
            sockets[name] = listen(host, ports.get(name, 0), name)
    except BindError:
        for sock in sockets.values():
            sock.close()
        raise
    return sockets


def sdk_base_url(protocol: ProtocolName, origin: str) -> str:
    """The base URL that an SDK of this protocol takes for a server at `origin` (`http://HOST:PORT`)."""
    return f"{origin}{PROTOCOLS[protocol].base_path}"


def _base_url(app: MockApp, name: str, sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return origin if name == ADMIN else sdk_base_url(app.profile.providers[name].protocol, origin)
