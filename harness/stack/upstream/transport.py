"""The HTTP transport under the stack, and the error kinds of its exceptions.

httpx is the API, aiohttp does the work (`httpx-aiohttp`): several times less CPU per streamed call and no
latency cliff with many concurrent connections. Any other `httpx.AsyncBaseTransport` can be used. The stack
calls the transport directly: it needs none of the client's cookies, redirects and proxies. All timeouts
except connecting are the stack's own (`resilience/deadlines.py`): a client library's read timeout restarts
with every read, so a slow drip never triggers it.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp.transport import AiohttpResponseStream, AiohttpTransport

from ..core.errors import ProviderError

READ = "brownout.read"
"""Key in a response's `extensions`: a coroutine function that returns the next raw bytes, b"" at the end."""

FRESH = "brownout.fresh"
"""Key in a request's `extensions`: True for a connection that was not used before."""
UNREAD = "brownout.unread"
"""Key in a failed request's `extensions`: True if a used connection broke before a byte of a reply."""

MAX_CONNECTIONS = 100_000
"""The limiter bounds concurrency; a pool limit would be a second, hidden queue."""

KEEPALIVE_S = 15.0
"""Shorter than every known idle timeout of a provider, so that no request meets a closing connection."""


class StreamTransport(AiohttpTransport):
    """httpx-aiohttp with direct access to the body's reader, which saves three generators per chunk.

    A request whose extensions hold `FRESH` gets a connection of its own. If one fails on a connection that
    had been used before, and no byte of a reply was read, `UNREAD` is set in its extensions: the server may
    have closed the idle connection at that moment.
    """

    _fresh: AiohttpTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the base class; the response's extensions hold `READ`."""
        connection = _Connection()
        _connection.set(connection)
        try:
            if request.extensions.get(FRESH):
                response = await self._fresh_connections().handle_async_request(request)
            else:
                response = await super().handle_async_request(request)
        except httpx.TransportError as error:
            request.extensions[UNREAD] = connection.reused and _closed_unread(error.__cause__)
            raise
        if isinstance(response.stream, AiohttpResponseStream):
            response.extensions[READ] = response.stream._aiohttp_response.content.readany
        return response

    def get_client(self) -> aiohttp.ClientSession:
        """As the base class, and notes for each request whether its connection was used before."""
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=self.limits.keepalive_expiry, ssl=self.ssl_context
        )
        return aiohttp.ClientSession(connector=connector, trace_configs=[_tracing()])

    async def aclose(self) -> None:
        """Close all connections."""
        await super().aclose()
        if self._fresh is not None:
            await self._fresh.aclose()

    def _fresh_connections(self) -> AiohttpTransport:
        """A transport whose connections serve one request each."""
        if self._fresh is None:
            connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, force_close=True, ssl=self.ssl_context)
            session = aiohttp.ClientSession(connector=connector)
            self._fresh = AiohttpTransport(verify=self.ssl_context, trust_env=False, client=session)
        return self._fresh


@dataclass(slots=True)
class _Connection:
    """The connection of the request that is being sent."""

    reused: bool = False


_connection: ContextVar[_Connection] = ContextVar("brownout.connection")


def _tracing() -> aiohttp.TraceConfig:
    async def reused(*_: Any) -> None:
        _connection.get().reused = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(reused)
    return tracing


def _closed_unread(cause: BaseException | None) -> bool:
    """Whether the peer closed the connection before a byte of its reply was read."""
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return isinstance(cause.message, str)  # else a part of the reply's head
    reset = aiohttp.ClientOSError | aiohttp.ClientConnectionResetError
    return isinstance(cause, reset) and not isinstance(cause, aiohttp.ClientConnectorError)


def reader(response: httpx.Response) -> Callable[[], Awaitable[bytes]]:
    """The fastest reader of a streamed response's decompressed bytes, for any transport."""
    direct: Callable[[], Awaitable[bytes]] | None = response.extensions.get(READ)
    if direct is not None and "content-encoding" not in response.headers:
        return direct
    chunks = response.aiter_bytes()

    async def read() -> bytes:
        async for chunk in chunks:
            if chunk:
                return chunk
        return b""

    return read


@cache
def tls_context() -> ssl.SSLContext:
    """The process's one TLS context: reading the CA certificates takes tens of milliseconds of CPU."""
    return httpx.create_ssl_context(trust_env=False)


async def read_body(response: httpx.Response, on_part: Callable[[], None] | None = None) -> bytes:
    """The whole body of a response, which is closed afterwards; `on_part` is called for each part of it."""
    read, parts = reader(response), []
    try:
        while received := await read():
            parts.append(received)
            if on_part is not None:
                on_part()
        return b"".join(parts)
    finally:
        await response.aclose()


def make_transport() -> httpx.AsyncBaseTransport:
    """The transport for real use: one connection per concurrent call, kept alive for `KEEPALIVE_S`."""
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
    return StreamTransport(verify=tls_context(), limits=limits, trust_env=False)


def make_client(connect_s: float, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """An httpx client on the transport; it ignores proxy variables and has no read timeout."""
    timeout = httpx.Timeout(None, connect=connect_s)
    return httpx.AsyncClient(transport=transport or make_transport(), timeout=timeout, trust_env=False)


NETWORK_ERRORS = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError)
"""Exceptions of a failed network or peer."""


def unanswered(error: Exception, request: httpx.Request) -> ProviderError:
    """The provider failure of a request that one of `NETWORK_ERRORS` ended before its reply was whole."""
    failure = provider_error(error, after_first=False)
    failure.unread = request.extensions.get(UNREAD, False)
    return failure


def provider_error(error: Exception, *, after_first: bool) -> ProviderError:
    """The provider failure behind one of `NETWORK_ERRORS`.

    httpx-aiohttp reports every `aiohttp.ClientConnectionError`, a reset included, as `httpx.ConnectTimeout`;
    the cause tells them apart.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError) or type(error) is httpx.ConnectError:
        kind = "connect"
    elif isinstance(error, httpx.ConnectTimeout) and (
        isinstance(cause, aiohttp.ServerTimeoutError) or not isinstance(cause, aiohttp.ClientError)
    ):
        kind = "timeout_connect"
    else:
        kind = "connection"
    message = str(error) or type(cause or error).__name__
    return ProviderError(kind, message, phase="after" if after_first else "before")
