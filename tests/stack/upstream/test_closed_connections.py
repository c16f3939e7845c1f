"""A connection that the server closed while it was idle costs nobody a call: one resend on a fresh one.

Our client keeps connections for 15 seconds, uvicorn closes them after 5. Without `[retry]` the next call on
such a connection was a 502.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from harness.stack.upstream.transport import RESENT, make_client
from harness.virtual import LeakReport, run_virtual

REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(slots=True)
class Closing:
    """A server that answers `good` requests on each connection, then reads one and ends as `how` says."""

    good: int
    how: str = "fin"
    connections: int = 0
    served: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for _ in range(self.good):
                await reader.readuntil(b"\r\n\r\n")
                self.served += 1
                writer.write(REPLY)
                await writer.drain()
            await self._end(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self.how == "a part of the head":
            writer.write(b"HTTP/1.1 20")
            await writer.drain()
        if self.how == "a part of the body":
            writer.write(REPLY[:-1])
            await writer.drain()
        if self.how == "rst":
            writer.transport.abort()


async def ask(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("http://127.0.0.1:7300/v1", content=b"")


def play(scene: Callable[[httpx.AsyncClient], Awaitable[None]], server: Closing) -> None:
    async def played() -> None:
        async with (
            await asyncio.start_server(server, "127.0.0.1", 7300),
            make_client(2.0) as client,
        ):
            await scene(client)
        await asyncio.sleep(1)

    left: list[LeakReport] = []
    run_virtual(played(), on_leak_report=left.append)
    assert left == [LeakReport()]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_request_on_a_connection_that_the_server_closes_is_sent_again_on_a_fresh_one(how: str) -> None:
    server = Closing(good=1, how=how)

    async def scene(client: httpx.AsyncClient) -> None:
        first, second = await ask(client), await ask(client)
        assert (first.text, second.text) == ("ok", "ok")
        assert (RESENT in first.extensions, RESENT in second.extensions) == (False, True)
        assert (server.connections, server.served) == (2, 2)

    play(scene, server)


@pytest.mark.parametrize("how", ["fin", "rst", "a part of the head"])
def test_a_fresh_connection_that_breaks_is_a_failure_at_once(how: str) -> None:
    """The request may have been read: sent again, it might be paid twice."""
    server = Closing(good=0, how=how)

    async def scene(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.TransportError):
            await ask(client)
        assert server.connections == 1

    play(scene, server)


@pytest.mark.parametrize("how", ["a part of the head", "a part of the body"])
def test_after_a_byte_of_the_reply_nothing_is_sent_again(how: str) -> None:
    server = Closing(good=1, how=how)

    async def scene(client: httpx.AsyncClient) -> None:
        await ask(client)
        with pytest.raises(httpx.TransportError):
            await ask(client)
        assert server.connections == 1

    play(scene, server)


def test_a_request_is_sent_again_only_once() -> None:
    server = Closing(good=1)

    async def scene(client: httpx.AsyncClient) -> None:
        await ask(client)
        server.good = 0
        with pytest.raises(httpx.TransportError):
            await ask(client)
        assert (server.connections, server.served) == (2, 1)

    play(scene, server)
