"""ASGI messages: the types, reading a request's body, and writing a response."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..chunks import error_json

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]

MAX_BODY_BYTES = 20 * 1024 * 1024


class Response:
    """Writes one HTTP response, one part at a time, from several tasks if need be.

    `started`: status and headers are sent; `written_s`: when a part was written last.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.written_s = 0.0
        self._turn = asyncio.Lock()

    async def json(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole JSON response."""
        base = {"content-type": "application/json", "content-length": str(len(body))}
        await self.start(status, base | (headers or {}))
        await self.write(body, last=True)

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Send status and headers."""
        self.started = True
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        async with self._turn:
            await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, body: bytes, *, last: bool = False) -> None:
        """Send a part of the body."""
        self.written_s = asyncio.get_running_loop().time()
        async with self._turn:
            await self._send({"type": "http.response.body", "body": body, "more_body": not last})


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers; ASGI gives their names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive, response: Response) -> bytes | None:
    """The request's body; None if the client left, or if it was too large and has been refused."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            refusal = f"the body exceeds {MAX_BODY_BYTES} bytes"
            await response.json(413, error_json("invalid_request_error", "too_large", refusal))
            return None
        if not message.get("more_body"):
            return b"".join(chunks)
