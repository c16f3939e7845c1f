"""A pass-through proxy as ASGI: bytes go on as they come, and whole exchanges become entries of a script."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx

from mock_providers import AsgiApp, load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Refused, Request
from mock_providers.http import asgi
from mock_providers.http.connection import RESET, BodyTooLarge, ClientConnection, ClientGone
from mock_providers.wire.anthropic.codec import AnthropicCodec
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.openai.codec import OpenAICodec
from mock_providers.wire.openai.errors import OpenAIErrors

from .entries import Exchange, entry_of
from .script_file import ScriptFile
from .upstreams import Upstream

MAX_BODY_BYTES = 64 * 1024 * 1024
NOT_PASSED_ON = frozenset(
    (b"host", b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"trailer")
) | {b"accept-encoding", b"content-length", b"proxy-authorization", b"proxy-connection"}
"""Headers of one hop (RFC 9110, section 7.6.1), and those that httpx sets. Replies come uncompressed."""
SECRET_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Headers whose values are masked wherever they stand."""


class Recorder:
    """Passes requests on to `upstreams`, and writes the exchanges that a script can repeat to `file`.

    `skipped` counts the others by their reason. Chat completions and messages are recorded; requests to
    other endpoints pass through.
    """

    def __init__(self, upstreams: Iterable[Upstream], file: ScriptFile, client: httpx.AsyncClient) -> None:
        self.skipped: Counter[str] = Counter()
        self.apps: dict[str, AsgiApp] = {upstream.name: self._app_of(upstream) for upstream in upstreams}
        self._file = file
        self._client = client

    def _app_of(self, upstream: Upstream) -> AsgiApp:
        reader = _Reader(upstream.protocol)

        async def app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
            connection = ClientConnection(scope, receive, send)
            try:
                await self._pass_on(upstream, reader, scope, connection, send)
            except ClientGone:
                self.skipped["the client left"] += 1
            finally:
                connection.close()

        return app

    async def _pass_on(
        self,
        upstream: Upstream,
        reader: "_Reader",
        scope: asgi.Scope,
        connection: ClientConnection,
        send: asgi.Send,
    ) -> None:
        try:
            body = await connection.body(MAX_BODY_BYTES)
        except BodyTooLarge:
            await asgi.reply(send, 413, [asgi.JSON], b'{"error": {"message": "the body is too large"}}')
            return
        started_s = connection.now()
        url = upstream.url(scope["path"], scope.get("query_string", b"").decode("latin-1"))
        headers = [header for header in scope["headers"] if header[0] not in NOT_PASSED_ON]
        request = self._client.build_request(scope["method"], url, headers=headers, content=body)
        request.headers["accept-encoding"] = "identity"
        try:
            reply = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            self.skipped["the provider was not reached"] += 1
            message = f"{upstream.base_url}: {type(error).__name__}: {error}"
            await asgi.reply(
                send, 502, [asgi.JSON], httpx.Response(502, json={"error": {"message": message}}).content
            )
            return
        try:
            received, first_s = await self._relay(reply, connection)
        except httpx.HTTPError:
            self.skipped["the reply broke off"] += 1
            await connection.cut(RESET)
            return
        finally:
            await reply.aclose()
        exchange = Exchange(
            upstream.protocol,
            reply.status_code,
            "event-stream" in reply.headers.get("content-type", ""),
            received,
            first_s - started_s,
            connection.now() - started_s,
        )
        self._keep(reader, asgi.received(scope), body, exchange)

    async def _relay(self, reply: httpx.Response, connection: ClientConnection) -> tuple[bytes, float]:
        """Send the reply on as it comes; its body, and when the first part of it came."""
        headers = [header for header in reply.headers.raw if header[0].lower() not in NOT_PASSED_ON]
        await connection.start(reply.status_code, headers)
        parts: list[bytes] = []
        first_s = 0.0
        async for part in reply.aiter_raw():
            first_s = first_s or connection.now()
            parts.append(part)
            await connection.write(part, more=True)
        await connection.write(b"", more=False)
        return b"".join(parts), first_s or connection.now()

    def _keep(self, reader: "_Reader", received: Received, body: bytes, exchange: Exchange) -> None:
        request = reader.request(received, body)
        if request is None:
            self.skipped["another endpoint, or a request that the mock does not read"] += 1
            return
        entry = entry_of(request, exchange)
        if entry is None:
            self.skipped["the reply was not whole"] += 1
            return
        secrets = [received.header(name).removeprefix("Bearer ").strip() for name in SECRET_HEADERS]
        self._file.add(entry, [secret for secret in secrets if secret])


class _Reader:
    """Reads requests as the mock does, so that a script finds them again."""

    def __init__(self, protocol: str) -> None:
        self._path = "/messages" if protocol == "anthropic" else "/chat/completions"
        self._codec = _codec_of(protocol)

    def request(self, received: Received, body: bytes) -> Request | None:
        """The request, None if it is for another endpoint or the mock would refuse it."""
        if received.method != "POST" or not received.path.rstrip("/").endswith(self._path):
            return None
        whole = Received(received.method, received.path, received.headers, received.query, body)
        try:
            request: Request = self._codec.parse(whole, {})
        except Refused:
            return None
        return request


def _codec_of(protocol: str) -> Any:
    if protocol == "anthropic":
        return AnthropicCodec(AnthropicErrors())
    provider = next(p for p in load_profile("typical").providers.values() if p.protocol == "openai")
    return OpenAICodec(provider, OpenAIErrors(provider.organization), lenient=True)
