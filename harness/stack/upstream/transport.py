"""The HTTP transport under the stack, and what its exceptions mean.

httpx is the API, aiohttp does the work (`httpx-aiohttp`): several times less CPU per streamed call and no
latency cliff with many connections in flight. Any other `httpx.AsyncBaseTransport` can be given instead. The
stack speaks to the transport itself: it wants no cookies, redirects or proxies from the client above it.
Timeouts other than connecting are the stack's own (`streaming.py`): a client library's read timeout restarts
with every read, so a slow drip never trips it.
"""

import ssl
from collections.abc import Awaitable, Callable
from functools import cache

import aiohttp
import httpx
from httpx_aiohttp.transport import AiohttpResponseStream, AiohttpTransport

from ..core.errors import ProviderError

READ = "brownout.read"
"""Key of a response's `extensions`: a coroutine function giving the next raw bytes, b"" at the end."""

MAX_CONNECTIONS = 100_000
"""Concurrency is bounded by the limiter, not by a pool that would queue calls out of sight."""

KEEPALIVE_S = 15.0
"""Shorter than any provider's idle timeout that we know, so that we never write into a closing connection."""


class StreamTransport(AiohttpTransport):
    """httpx-aiohttp, with the body's reader within reach: three generators fewer for every chunk."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the base class; the response's extensions hold `READ`."""
        response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            response.extensions[READ] = response.stream._aiohttp_response.content.readany
        return response


def reader(response: httpx.Response) -> Callable[[], Awaitable[bytes]]:
    """The fastest way to the bytes of a streamed response, whatever its transport; decompressed."""
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


def make_transport() -> httpx.AsyncBaseTransport:
    """The transport for real use: as many connections as there are calls, kept alive for a while."""
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
    return StreamTransport(verify=tls_context(), limits=limits, trust_env=False)


def make_client(connect_s: float, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A whole client on top, for those who want one: it ignores proxy variables and never times a read."""
    timeout = httpx.Timeout(None, connect=connect_s)
    return httpx.AsyncClient(transport=transport or make_transport(), timeout=timeout, trust_env=False)


TROUBLE = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError)
"""What a client raises when the network or the peer fails it."""


def provider_error(error: Exception, *, after_first: bool) -> ProviderError:
    """The provider failure behind one of `TROUBLE`.

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
    said = str(error) or type(cause or error).__name__
    return ProviderError(kind, said, phase="after" if after_first else "before")
