"""Clients that violate HTTP: each is answered or cut off, and leaves nothing behind."""

import asyncio
import gc
import json
import socket
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import pytest

from mock_providers import MockApp, Profile
from mock_providers.http import uvicorn_server as http_server
from mock_providers.http.protocol import MockProtocol
from mock_providers.server import app as app_module

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]

MIB = 1024 * 1024
QUESTION: dict[str, Any] = {
    "model": "gpt-4o",
    "max_tokens": 8,
    "messages": [{"role": "user", "content": "Hi"}],
}
WHOLE = json.dumps(QUESTION).encode()
STREAM = json.dumps({**QUESTION, "stream": True}).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
MODELS = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n"
SLOW: dict[str, Any] = {"ttft": {"kind": "constant", "value_s": 30.0}}


def request(body: bytes, head: bytes = HEAD) -> bytes:
    """The bytes of a complete request."""
    return b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body)


class Line(NamedTuple):
    """The client side of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, *parts: bytes) -> bytes:
        """Send, then receive until the server closes or resets."""
        await self.pour(parts)
        return await self.rest()

    async def pour(self, parts: Iterable[bytes]) -> int:
        """Send until the server accepts no more; the number of bytes accepted."""
        sent = 0
        for part in parts:
            try:
                self.writer.write(part)
                await self.writer.drain()
            except ConnectionError:
                break
            sent += len(part)
        return sent

    async def rest(self) -> bytes:
        """Receive until the server closes."""
        got = bytearray()
        try:
            while part := await self.reader.read(65536):
                got += part
        except ConnectionError:
            pass
        return bytes(got)

    async def reply(self) -> tuple[int, bytes]:
        """Receive one reply with a content-length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return int(head.split()[1]), await self.reader.readexactly(length)


class Mock(NamedTuple):
    """A running mock under attack; `dial` opens a connection to its OpenAI."""

    app: MockApp
    dial: Callable[[], Awaitable[Line]]

    @property
    def endings(self) -> list[tuple[int, str]]:
        """Status and ending of the attackers' requests."""
        return [(row.status, row.ended) for row in self.app.ledger.rows]

    async def still_serves(self) -> None:
        """Check that a valid client is answered."""
        line = await self.dial()
        await line.pour([MODELS])
        status, body = await line.reply()
        assert (status, json.loads(body)["object"]) == (200, "list")


Attack = Callable[..., Awaitable[Mock]]


def open_connections() -> int:
    """Number of open connections of the server."""
    found = [each for each in gc.get_objects() if type(each) is MockProtocol]
    return sum(not each.transport.is_closing() for each in found)


def requests_at_work() -> int:
    """Number of tasks that answer a request."""
    return sum(
        "run_asgi" in repr(task) or "_watch_for_disconnect" in repr(task) for task in asyncio.all_tasks()
    )


@pytest.fixture
async def attack(
    serve_mock: ServeMock, eventually: Eventually, capfd: pytest.CaptureFixture[str]
) -> AsyncIterator[Attack]:
    """Serve a profile; then check that it still answers and leaves no request, task, connection or log."""
    mocks: list[Mock] = []
    lines: list[Line] = []

    async def start(profile: Profile | None = None) -> Mock:
        app, urls = await serve_mock(profile)
        host, port = urls["openai"].removeprefix("http://").removesuffix("/v1").split(":")

        async def dial() -> Line:
            lines.append(Line(*await asyncio.open_connection(host, int(port))))
            return lines[-1]

        mocks.append(Mock(app, dial))
        return mocks[-1]

    yield start
    for mock in mocks:
        await mock.still_serves()
    for line in lines:
        line.writer.close()
    await eventually(lambda: not any(mock.app.in_flight for mock in mocks))
    await eventually(lambda: requests_at_work() == 0)
    await eventually(lambda: open_connections() == 0)
    assert capfd.readouterr().err == ""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests must arrive within 0.25 s."""
    monkeypatch.setattr(MockProtocol, "request_s", 0.25)
    monkeypatch.setattr(MockProtocol, "linger_s", 0.1)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies up to 1 MiB are accepted, and the connection is cut after 8 MiB."""
    monkeypatch.setattr(app_module, "MAX_BODY_BYTES", MIB)
    monkeypatch.setattr(MockProtocol, "most_request_bytes", 8 * MIB)


def status_of(answer: bytes) -> int:
    """The status of the first reply."""
    return int(answer.split(b" ", 2)[1])


async def test_a_body_of_20_mb_is_read_answered_and_forgotten(attack: Attack) -> None:
    mock = await attack()
    body = json.dumps({**QUESTION, "messages": [{"role": "user", "content": "word " * (4 * MIB)}]}).encode()
    assert len(body) > 20 * MIB
    tracemalloc.start()
    try:
        for _ in range(2):
            line = await mock.dial()
            await line.pour([request(body)])
            status, answer = await line.reply()
            assert (status, json.loads(answer)["error"]["code"]) == (400, "context_length_exceeded")
            del answer
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert mock.endings == [(400, "error")] * 2


async def test_a_body_above_the_limit_gets_the_providers_413_and_none_of_it_is_kept(attack: Attack) -> None:
    mock = await attack()
    tracemalloc.start()
    try:
        line = await mock.dial()
        await line.pour([HEAD + b"content-length: %d\r\n\r\n" % (40 * MIB), *[b" " * MIB] * 40])
        status, answer = await line.reply()
        assert (status, json.loads(answer)["error"]["type"]) == (413, "invalid_request_error")
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 4 * MIB
    finally:
        tracemalloc.stop()
    await line.pour([MODELS])  # the rest of the body was read: the connection is good for another request
    assert (await line.reply())[0] == 200


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("how", ["length", "chunked", "tiny chunks"])
async def test_a_body_that_never_ends_gets_the_providers_413_and_is_cut_off(attack: Attack, how: str) -> None:
    mock = await attack()
    line = await mock.dial()
    listener = asyncio.create_task(line.rest())
    if how == "length":
        parts = [HEAD + b"content-length: 999999999999\r\n\r\n", *[b"x" * 65536] * 1000]
    else:
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n" if how == "chunked" else b"1\r\nx\r\n" * 10_000
        parts = [HEAD + b"transfer-encoding: chunked\r\n\r\n", *[chunk] * 1000]
    sent = await line.pour(parts)
    assert sent < 30 * MIB
    answer = await listener
    assert status_of(answer or b"HTTP/1.1 413 ") == 413  # a reset may overtake it
    assert mock.endings == [(413, "error")]


@pytest.mark.usefixtures("impatient")
async def test_a_body_that_stops_arriving_is_given_up_on(attack: Attack) -> None:
    mock = await attack()
    line = await mock.dial()
    answer = await line.says(HEAD + b"content-length: 100\r\n\r\n{")
    assert status_of(answer) == 408
    assert mock.endings == [(0, "client_closed")]


@pytest.mark.usefixtures("impatient")
async def test_a_body_that_stops_arriving_after_its_answer_is_given_up_on(
    attack: Attack, narrow: None
) -> None:
    mock = await attack()
    line = await mock.dial()
    answer = await line.says(HEAD + b"content-length: %d\r\n\r\n" % (3 * MIB), b"x" * 2 * MIB)
    assert (status_of(answer), answer.count(b"HTTP/1.1")) == (413, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("start", [b"", b"POST /v1/chat", HEAD, HEAD + b"x-a: b"], ids=range(4))
async def test_a_head_that_trickles_gets_a_408(attack: Attack, start: bytes) -> None:
    mock = await attack()
    line = await mock.dial()
    listener = asyncio.create_task(line.rest())
    for part in [start or b"P", *[b"a"] * 200]:
        if await line.pour([part]) == 0 or listener.done():
            break
        await asyncio.sleep(0.01)
    answer = await asyncio.wait_for(listener, 5)
    assert status_of(answer) == (400 if start == b"" else 408)
    assert mock.endings == []


@pytest.mark.parametrize("greeting", [b"", b"\r\n\r\n"])
async def test_an_idle_connection_is_closed(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, greeting: bytes
) -> None:
    monkeypatch.setattr(http_server, "_KEEP_ALIVE_S", 0.2)
    mock = await attack()
    line = await mock.dial()
    await line.pour([greeting])
    assert await asyncio.wait_for(line.rest(), 5) == b""


ENDLESS: dict[str, Iterable[bytes]] = {
    "a header of 1 MB": [HEAD + b"x-big: " + b"a" * MIB + b"\r\n\r\n"],
    "a name of 1 MB": [HEAD + b"a" * MIB + b": b\r\n\r\n"],
    "a request line of 1 MB": [b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nhost: x\r\n\r\n"],
    "a query of 1 MB": [b"GET /v1/models?a=" + b"a" * MIB + b" HTTP/1.1\r\nhost: x\r\n\r\n"],
    "a million headers": [HEAD, *[b"x-a: b\r\n" * 1000] * 1000],
    "a header without end": [HEAD + b"x-big: ", *[b"a" * 65536] * 1000],
    "a name without end": [HEAD, *[b"a" * 65536] * 1000],
    "a request line without end": [b"GET /", *[b"a" * 65536] * 1000],
    "endless headers in small parts": [HEAD, *[b"x-a: b\r\n" * 10] * 10_000],
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_endless_head_gets_a_431(attack: Attack, name: str) -> None:
    mock = await attack()
    line = await mock.dial()
    listener = asyncio.create_task(line.rest())
    await line.pour(ENDLESS[name])
    assert status_of(await asyncio.wait_for(listener, 5)) == 431
    assert mock.endings == []


async def test_endless_trailers_get_a_431(attack: Attack) -> None:
    mock = await attack()
    line = await mock.dial()
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    answer = await asyncio.wait_for(line.says(head, *[b"x-a: b\r\n" * 1000] * 20), 5)
    assert status_of(answer) == 431
    assert mock.endings == [(0, "client_closed")]


GARBAGE = {
    "nothing of HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /v1/models HTTP/9.9\r\n\r\n",
    "an unknown method": b"BREW /v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "a path that is not ASCII": b"GET /v1/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "NUL in a header": b"GET /v1/models HTTP/1.1\r\nhost: \x00\r\n\r\n",
    "a header without a colon": b"GET /v1/models HTTP/1.1\r\nhost\r\n\r\n",
    "a negative length": HEAD + b"content-length: -1\r\n\r\n",
    "two lengths": HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
    "length and chunks": HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length of 40 digits": HEAD + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_input_that_is_not_http_gets_a_400(attack: Attack, name: str) -> None:
    mock = await attack()
    line = await mock.dial()
    answer = await asyncio.wait_for(line.says(GARBAGE[name]), 5)
    assert status_of(answer) == 400
    assert answer.count(b"HTTP/1.1") == 1


CHUNKS = {
    "no number": b"ZZZ\r\nabc\r\n",
    "a negative size": b"-1\r\n",
    "no end of a chunk": b"2\r\n{}garbage",
    "a size of 20 digits": b"f" * 20 + b"\r\n",
    "NULs": b"\x00" * 20,
}


@pytest.mark.parametrize("name", CHUNKS)
async def test_garbage_for_chunks_gets_a_400(attack: Attack, name: str) -> None:
    mock = await attack()
    line = await mock.dial()
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    assert status_of(await asyncio.wait_for(line.says(head + CHUNKS[name]), 5)) == 400
    assert mock.endings == [(0, "client_closed")]


@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
async def test_garbage_behind_a_request_leaves_its_answer_whole(attack: Attack, body: bytes) -> None:
    mock = await attack()
    line = await mock.dial()
    answer = await asyncio.wait_for(line.says(request(body) + b"\x00garbage\r\n\r\n" * 50), 5)
    assert (status_of(answer), answer.count(b"HTTP/1.1")) == (200, 1)
    assert answer.endswith(b"}" if body is WHOLE else b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert mock.endings == [(200, "complete")]


async def test_requests_in_one_go_are_answered_in_their_order(attack: Attack) -> None:
    mock = await attack()
    line = await mock.dial()
    await line.pour([b"".join([request(WHOLE), MODELS] * 30)])
    kinds = [json.loads((await line.reply())[1])["object"] for _ in range(60)]
    assert kinds == ["chat.completion", "list"] * 30


async def test_a_client_that_leaves_ends_all_its_queued_requests(
    attack: Attack, eventually: Eventually, fast_profile: Callable[..., Profile]
) -> None:
    mock = await attack(fast_profile(**SLOW))
    line = await mock.dial()
    await line.pour([request(STREAM) * 3])
    await eventually(lambda: mock.app.in_flight == 1)
    line.writer.transport.abort()
    await eventually(lambda: not mock.app.in_flight)
    assert mock.endings == [(200, "client_closed")] or mock.endings == [(0, "client_closed")]


async def test_http_1_0_gets_no_chunks(attack: Attack) -> None:
    mock = await attack()
    old = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0")
    for body in (WHOLE, STREAM):
        head, _, content = (await (await mock.dial()).says(request(body, old))).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        if body is WHOLE:
            assert json.loads(content)["object"] == "chat.completion"
        else:
            assert content.startswith(b"data: {")
            assert content.endswith(b"data: [DONE]\n\n")
    assert mock.endings == [(200, "complete")] * 2


async def test_expect_100_continue_is_answered(attack: Attack) -> None:
    mock = await attack()
    line = await mock.dial()
    await line.pour([HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(WHOLE)])
    assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await line.pour([WHOLE])
    assert (await line.reply())[0] == 200


@pytest.mark.parametrize("offered", [b"websocket", b"h2c"])
async def test_an_upgrade_is_not_taken_up(attack: Attack, offered: bytes) -> None:
    mock = await attack()
    line = await mock.dial()
    upgrade = HEAD + b"connection: upgrade, http2-settings\r\nupgrade: " + offered + b"\r\n"
    for parts in ([request(WHOLE, upgrade) + MODELS], [request(WHOLE, upgrade)[:-20], WHOLE[-20:], MODELS]):
        for part in parts:
            await line.pour([part])
        kinds = [json.loads((await line.reply())[1])["object"] for _ in range(2)]
        assert kinds == ["chat.completion", "list"]


async def test_a_client_that_closes_its_half_counts_as_gone(
    attack: Attack, eventually: Eventually, fast_profile: Callable[..., Profile]
) -> None:
    mock = await attack(fast_profile(**SLOW))
    line = await mock.dial()
    await line.pour([request(WHOLE)])
    line.writer.write_eof()
    assert await asyncio.wait_for(line.rest(), 5) == b""
    await eventually(lambda: not mock.app.in_flight)
    assert mock.endings == [(0, "client_closed")]


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_while_it_sends_is_gone(
    attack: Attack, eventually: Eventually, how: str
) -> None:
    mock = await attack()
    line = await mock.dial()
    await line.pour([HEAD + b"content-length: %d\r\n\r\n" % (20 * MIB), b"x" * MIB])
    await eventually(lambda: mock.app.in_flight == 1)
    if how == "reset":
        sock = line.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.close()
    await eventually(lambda: not mock.app.in_flight)
    assert mock.endings == [(0, "client_closed")]


async def test_a_hundred_attackers_at_once_do_not_keep_anyone_waiting(attack: Attack) -> None:
    mock = await attack()
    attacks = [*GARBAGE.values(), HEAD + b"x: " + b"a" * MIB, HEAD + b"content-length: 9\r\n\r\n{", b"GET /"]
    lines = [await mock.dial() for _ in range(100)]
    for nth, line in enumerate(lines):
        await line.pour([attacks[nth % len(attacks)]])
    async with asyncio.timeout(5):
        await mock.still_serves()
