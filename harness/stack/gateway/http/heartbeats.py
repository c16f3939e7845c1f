"""Heartbeats: early headers and SSE comments while nothing can be said, so that no proxy cuts the connection.

Load balancers and proxies end a connection on which no byte has come for a time (nginx after 60 seconds). A
streamed call that waits longer for its first word sends its headers early, with status 200, and then a
comment, which SSE parsers skip, at every `every_s` seconds without a byte. From then on a failure is an error
event, since the status has been sent. Source: https://github.com/BerriAI/litellm/issues/34374.
"""

import asyncio
from math import inf
from types import TracebackType
from typing import Self

from ..chunks import comment
from .asgi import Response

HEARTBEAT = comment(b"keep-alive")
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Heartbeats:
    """Beats on `response` while the context is open and nothing else is written; `every_s` inf: never."""

    def __init__(self, response: Response, every_s: float = inf) -> None:
        self._response = response
        self._every_s = every_s
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._every_s < inf:
            self._response.written_s = asyncio.get_running_loop().time()
            self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
            if not self._beating.cancelled():
                self._beating.exception()  # retrieved, and ignored: the client has left

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            left_s = self._response.written_s + self._every_s - loop.time()
            if left_s > 0:
                await asyncio.sleep(left_s)
                continue
            if not self._response.started:
                await self._response.start(200, HEADERS)
            await self._response.write(HEARTBEAT)
