"""A connection that the server closed while it was idle costs nobody a call: one resend on a fresh one.

Our client keeps connections for 15 seconds, uvicorn closes them after 5. Without `[retry]` the next call on
such a connection was a 502.
"""

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
import pytest

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.batch.http import BatchHttp
from harness.stack.caching.semantic.embedding.api import ApiEmbedder
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from harness.stack.money.price import Price
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_transport
from harness.stack.wire.openai.codec import OpenAICodec
from harness.virtual import LeakReport, run_virtual
from tests.lab.scripted import openai_whole

ENDPOINT = Endpoint("http://127.0.0.1:7300/v1", "k")
BODY = orjson.dumps(openai_whole("ok"))
EMBEDDING = orjson.dumps(
    {
        "data": [{"index": 0, "embedding": base64.b64encode(b"\0\0\x80?\0\0\0\0").decode()}],
        "usage": {"prompt_tokens": 1},
    }
)


def http_reply(body: bytes) -> bytes:
    """A whole HTTP reply with this JSON."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


@dataclass(slots=True)
class Closing:
    """A server that answers `good` requests on each connection, then reads one and ends as `how` says."""

    good: int
    how: str = "fin"
    reply: bytes = BODY
    connections: int = 0
    served: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for _ in range(self.good):
                await read_request(reader)
                self.served += 1
                writer.write(http_reply(self.reply))
                await writer.drain()
            await self._end(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.how == "at once":
            return
        await read_request(reader)
        if self.how == "a part of the head":
            writer.write(b"HTTP/1.1 20")
            await writer.drain()
        if self.how == "a part of the body":
            writer.write(http_reply(self.reply)[:-1])
            await writer.drain()
        if self.how == "rst":
            writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> None:
    """One request, with its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))


class Asking:
    """A stack of one target without `[retry]`, and the facts of its calls."""

    def __init__(self, endpoint: Endpoint = ENDPOINT) -> None:
        target = {"provider": "openai", "model": "gpt-4o"}
        options = StackOptions.model_validate({"target": [target]})
        self.facts: list[CallFacts] = []
        self.stack = build(options, {"openai": endpoint}, sink=self.facts.append)

    async def ask(self) -> str:
        """The answer to a call."""
        now = asyncio.get_running_loop().time()
        call = self.stack.call(self.stack.next_id(), (Message("user", "Hello?"),), now, stream=False)
        async with await self.stack.ask(call) as reply:
            return (await reply.text())[0]

    @property
    def attempts(self) -> list[tuple[str, str | None]]:
        """(kind, error kind) of the last call's attempts."""
        return [(attempt.kind, attempt.error_kind) for attempt in self.facts[-1].attempts]


def play(scene: Callable[[Asking], Awaitable[None]], server: Closing) -> None:
    async def played() -> None:
        async with await asyncio.start_server(server, "127.0.0.1", 7300):
            asking = Asking()
            await scene(asking)
            await asking.stack.aclose()
        await asyncio.sleep(1)

    left: list[LeakReport] = []
    run_virtual(played(), on_leak_report=left.append)
    assert left == [LeakReport()]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_request_on_a_connection_that_the_server_closes_is_sent_again_on_a_fresh_one(how: str) -> None:
    server = Closing(good=1, how=how)

    async def scene(asking: Asking) -> None:
        assert [await asking.ask(), await asking.ask()] == ["ok", "ok"]
        assert asking.attempts == [("primary", "connection"), ("retry", None)]
        assert (server.connections, server.served) == (2, 2)

    play(scene, server)


@pytest.mark.parametrize("how", ["fin", "rst", "a part of the head"])
def test_a_fresh_connection_that_breaks_is_a_failure_at_once(how: str) -> None:
    """The request may have been read: sent again, it might be paid twice."""
    server = Closing(good=0, how=how)

    async def scene(asking: Asking) -> None:
        with pytest.raises(ProviderError):
            await asking.ask()
        assert server.connections == len(asking.attempts) == 1

    play(scene, server)


@pytest.mark.parametrize("how", ["a part of the head", "a part of the body"])
def test_after_a_byte_of_the_reply_nothing_is_sent_again(how: str) -> None:
    server = Closing(good=1, how=how)

    async def scene(asking: Asking) -> None:
        await asking.ask()
        with pytest.raises(ProviderError):
            await asking.ask()
        assert server.connections == len(asking.attempts) == 1

    play(scene, server)


def test_a_request_is_sent_again_only_once() -> None:
    server = Closing(good=1)

    async def scene(asking: Asking) -> None:
        await asking.ask()
        server.good = 0
        with pytest.raises(ProviderError):
            await asking.ask()
        assert (server.connections, server.served, len(asking.attempts)) == (2, 1, 2)

    play(scene, server)


def test_embeddings_are_asked_for_again_on_a_fresh_connection() -> None:
    server = Closing(good=1, reply=EMBEDDING)

    async def scene(asking: Asking) -> None:
        transport = make_transport()
        embedder = ApiEmbedder(transport, ENDPOINT, "openai", "te", Price.per_million("0.02", "0"), 2)
        facts = CallFacts("c")
        for _ in range(2):
            vectors = await embedder.embed(["a"], facts)
            assert vectors.tolist() == [[1.0, 0.0]]
        await transport.aclose()
        assert [attempt.error_kind for attempt in facts.attempts] == [None, "connection", None]
        assert (server.connections, server.served) == (2, 2)

    play(scene, server)


def test_a_batchs_request_is_sent_again_on_a_fresh_connection() -> None:
    server = Closing(good=1)

    async def scene(asking: Asking) -> None:
        transport = make_transport()
        http = BatchHttp(transport, OpenAICodec(), ENDPOINT, {})
        for _ in range(2):
            assert await http.request("POST", "/batches", b"{}") == BODY
        await transport.aclose()
        assert (server.connections, server.served) == (2, 2)

    play(scene, server)


@pytest.mark.parametrize("how", ["fin", "rst", "at once"])
def test_the_same_on_real_sockets(how: str) -> None:
    """ "at once": closed before the next request is written, which the client notices or not."""
    server = Closing(good=1, how=how)

    async def scene() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        async with await asyncio.start_server(server, sock=listener):
            asking = Asking(Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "k"))
            try:
                assert [await asking.ask() for _ in range(3)] == ["ok"] * 3
            finally:
                await asking.stack.aclose()

    asyncio.run(scene())
    assert server.served == 3
