"""A minimal client: sends one request on one connection; returns all bytes and how the connection ended."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import httptools
import orjson

from harness.stack.upstream.endpoint import Endpoint
from tests.lab.providers import MODELS
from tests.parity.worlds import MOMENT_HEADERS, without_moments

PROMPT = "Say something, in about 24 tokens."
MAX_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as its client saw it; `parts` are the events of a stream or the body of a JSON reply.

    `ended`: "whole" after a complete response, "eof" or "reset" if the connection ended before.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    ended: str


class _Reader(asyncio.Protocol):
    """A protocol, not a stream: asyncio's StreamReader drops its buffer when a reset arrives."""

    def __init__(self, request: bytes, leave_after: int | None) -> None:
        self._request = request
        self._leave_after = leave_after
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.complete = False
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def status(self) -> int:
        return int(self._parser.get_status_code()) if self.headers else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._leave_after is not None and content_chunks(self.body) >= self._leave_after:
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode(), value.decode()))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True

    def connection_lost(self, exc: Exception | None) -> None:
        how = "eof" if exc is None else "reset" if isinstance(exc, ConnectionResetError) else repr(exc)
        self.ended.set_result("whole" if self.complete and how == "eof" else how)


_CONTENT = (
    b'"delta":{"content":',
    b'"type":"response.output_text.delta"',
    b'"type":"text_delta"',
    b'"parts":[{"text":',
)
"""The mark of a chunk of text in the protocols of OpenAI, Anthropic and Gemini."""


def content_chunks(body: bytes) -> int:
    """The number of complete content chunks, in any of the wire protocols."""
    whole = re.split(rb"\r?\n\r?\n", body)[:-1]
    content = [part for part in whole if any(mark in part for mark in _CONTENT) and part.endswith(b"}")]
    return sum(b'"finishReason"' not in part for part in content)


def request_to(provider: str, endpoint: Endpoint, *, stream: bool, prompt: str, attempt_id: str) -> bytes:
    """The bytes of a request for a reply."""
    path, body = question(provider, endpoint, stream=stream, prompt=prompt)
    return http_request("POST", path, endpoint, body, attempt_id=attempt_id)


def question(provider: str, endpoint: Endpoint, *, stream: bool, prompt: str) -> tuple[str, dict[str, Any]]:
    """Path and body of a request for a reply."""
    if provider == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        config = {"maxOutputTokens": MAX_TOKENS}
        return f"/v1beta/models/{MODELS[provider]}:{method}", {
            "contents": contents,
            "generationConfig": config,
        }
    body: dict[str, Any] = {
        "model": MODELS[provider],
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": prompt}],
        "stream": stream,
    }
    if provider == "anthropic":
        return "/v1/messages", body
    if stream:
        body["stream_options"] = {"include_usage": True}
    return f"/{endpoint.base_url.removeprefix('http://').partition('/')[2]}/chat/completions", body


def http_request(method: str, path: str, endpoint: Endpoint, body: Any, *, attempt_id: str) -> bytes:
    """The bytes of any request, with the key in the header of every protocol; `body` None: without one."""
    content = b"" if body is None else orjson.dumps(body)
    origin = endpoint.base_url.removeprefix("http://").partition("/")[0]
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: {origin}\r\nauthorization: Bearer {endpoint.api_key}\r\n"
        f"x-goog-api-key: {endpoint.api_key}\r\nanthropic-version: 2026-10-21\r\n"
        f"x-client-request-id: {attempt_id}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def exchange(
    provider: str,
    endpoint: Endpoint,
    *,
    stream: bool,
    prompt: str = PROMPT,
    attempt_id: str = "raw/1",
    leave_after: int | None = None,
) -> Exchange:
    """Send one request; hang up once `leave_after` content chunks have arrived."""
    request = request_to(provider, endpoint, stream=stream, prompt=prompt, attempt_id=attempt_id)
    return await exchange_bytes(endpoint, request, leave_after)


async def exchange_bytes(endpoint: Endpoint, request: bytes, leave_after: int | None = None) -> Exchange:
    """Send these bytes on a new connection."""
    host, port = endpoint.base_url.split("/")[2].split(":")
    transport, reader = await asyncio.get_running_loop().create_connection(
        lambda: _Reader(request, leave_after), host, int(port)
    )
    try:
        ended = await reader.ended
    finally:
        transport.close()
    text = without_moments(reader.body.decode())
    parts = tuple(re.split(r"\r?\n\r?\n", re.sub(r"\r?\n\r?\n\Z", "", text))) if text else ()
    headers = tuple((name, value) for name, value in reader.headers if not MOMENT_HEADERS.fullmatch(name))
    return Exchange(reader.status, headers, parts, ended)
