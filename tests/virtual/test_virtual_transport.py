"""In-memory transports keep asyncio's promises for transports and behave as Linux sockets do."""

import asyncio
import contextvars
import gc
import select
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harness.virtual import LeakReport, MemoryTransport, VirtualLoop, run_virtual


class Recorder(asyncio.Protocol):
    """Records the callbacks of its transport."""

    def __init__(self, *, keep_open: bool = False) -> None:
        self.events: list[tuple[str, Any]] = []
        self.keep_open = keep_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.events.append(("data", data))

    def eof_received(self) -> bool:
        self.events.append(("eof", None))
        return self.keep_open

    def pause_writing(self) -> None:
        self.events.append(("pause", self.transport.get_write_buffer_size()))

    def resume_writing(self) -> None:
        self.events.append(("resume", self.transport.get_write_buffer_size()))

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(("lost", type(exc)))


LOST = ("lost", type(None))
RESET = ("lost", ConnectionResetError)
BROKEN = ("lost", BrokenPipeError)
EOF = ("eof", None)


def pair(
    body: Callable[[Recorder, Recorder], Awaitable[None]],
    *,
    keep_open: bool = False,
    window: int = 256 * 1024,
) -> tuple[list[Any], list[Any]]:
    """The callbacks of a client and a server while `body(client, server)` ran."""

    async def main() -> tuple[list[Any], list[Any]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.network.window_bytes = window
        server = Recorder(keep_open=keep_open)
        await loop.create_server(lambda: server, "127.0.0.1", 80)
        _, client = await loop.create_connection(lambda: Recorder(keep_open=keep_open), "127.0.0.1", 80)
        await body(client, server)
        await loop.idle()
        return client.events, server.events

    return run_virtual(main())


async def idle() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    await loop.idle()


def test_several_writes_of_one_turn_arrive_as_one_piece() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        client.transport.write(b"one ")
        client.transport.write(bytearray(b"two "))
        client.transport.write(memoryview(b"three "))
        client.transport.writelines([b"four", b""])
        assert server.events == []

    assert pair(body)[1] == [("data", b"one two three four")]


def test_written_data_is_copied() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        data = bytearray(b"before")
        client.transport.write(data)
        data[:] = b"after!"

    assert pair(body)[1] == [("data", b"before")]


def test_writing_anything_but_bytes_is_a_type_error() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        with pytest.raises(TypeError, match="bytes-like object, not 'str'"):
            client.transport.write("text")  # type: ignore[arg-type]  # the point

    assert pair(body) == ([], [])


def test_close_delivers_written_bytes_then_eof() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        client.transport.write(b"last words")
        client.transport.close()
        client.transport.close()
        assert client.transport.is_closing()

    assert pair(body) == ([LOST], [("data", b"last words"), EOF, LOST])


def test_close_waits_for_a_reader_that_is_slow() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(b"x" * 250)
        client.transport.close()
        await idle()
        assert client.events == [] and client.transport.is_closing()  # noqa: PT018  # one state
        server.transport.resume_reading()

    client_events, server_events = pair(body, window=100)
    assert client_events == [LOST]
    assert b"".join(data for kind, data in server_events if kind == "data") == b"x" * 250
    assert server_events[-2:] == [EOF, LOST]


def test_half_close_ends_one_direction_only() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        assert client.transport.can_write_eof()
        client.transport.write(b"question")
        client.transport.write_eof()
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            client.transport.write(b"more")
        await idle()
        server.transport.write(b"answer")
        server.transport.close()

    assert pair(body, keep_open=True) == ([("data", b"answer"), EOF], [("data", b"question"), EOF, LOST])


def test_a_protocol_that_does_not_keep_open_after_eof_is_closed() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        client.transport.write_eof()

    assert pair(body) == ([EOF, LOST], [EOF, LOST])


def test_abort_resets_the_peer_and_drops_buffered_bytes() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(b"x" * 500)
        client.transport.abort()
        client.transport.abort()
        await idle()
        assert server.events == []
        server.transport.resume_reading()

    assert pair(body, window=100) == ([LOST], [("data", b"x" * 100), RESET])


def test_after_a_reset_the_next_write_ends_a_paused_connection() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.abort()
        await idle()
        server.transport.write(b"too late")
        server.transport.write(b"and again")

    assert pair(body) == ([LOST], [RESET])


def test_closing_with_unread_bytes_resets_the_peer() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        server.transport.pause_reading()
        client.transport.write(b"never read")
        await idle()
        server.transport.close()

    assert pair(body) == ([RESET], [LOST])


def test_writing_to_a_closed_peer_breaks_the_pipe_at_the_second_write() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        server.transport.close()
        await idle()
        client.transport.write(b"into the void")
        await idle()
        assert client.events == [EOF]
        client.transport.write(b"broken")

    assert pair(body, keep_open=True) == ([EOF, BROKEN], [LOST])


def test_writes_after_the_end_do_nothing() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        client.transport.close()
        client.transport.write(b"lost")
        await idle()
        for _ in range(10):
            client.transport.write(b"lost")
        client.transport.write_eof()
        client.transport.pause_reading()
        client.transport.resume_reading()
        client.transport.abort()
        client.transport.close()

    assert pair(body) == ([LOST], [EOF, LOST])


def test_a_slow_reader_pauses_the_writer_and_resumes_it() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        client.transport.set_write_buffer_limits(high=50, low=20)
        assert client.transport.get_write_buffer_limits() == (20, 50)
        server.transport.pause_reading()
        client.transport.write(b"x" * 100)
        assert client.transport.get_write_buffer_size() == 0
        client.transport.write(b"y" * 50)
        assert client.events == []
        client.transport.write(b"z" * 50)
        assert client.events == [("pause", 100)]
        await idle()
        assert server.events == []
        server.transport.resume_reading()

    client_events, server_events = pair(body, window=100)
    assert client_events == [("pause", 100), ("resume", 0)]
    assert b"".join(data for _, data in server_events) == b"x" * 100 + b"y" * 50 + b"z" * 50


def test_limits_are_asyncios() -> None:
    async def body(client: Recorder, _server: Recorder) -> None:
        transport = client.transport
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
        transport.set_write_buffer_limits(low=10)
        assert transport.get_write_buffer_limits() == (10, 40)
        transport.set_write_buffer_limits(high=0)
        assert transport.get_write_buffer_limits() == (0, 0)
        with pytest.raises(ValueError, match="must be >="):
            transport.set_write_buffer_limits(high=1, low=2)

    pair(body)


def test_a_paused_protocol_receives_nothing_not_even_eof() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        assert server.transport.is_reading()
        server.transport.pause_reading()
        server.transport.pause_reading()
        assert not server.transport.is_reading()
        client.transport.write(b"data")
        client.transport.close()
        await asyncio.sleep(10)
        assert server.events == []
        server.transport.resume_reading()

    assert pair(body)[1] == [("data", b"data"), EOF, LOST]


def test_a_protocol_that_raises_is_reported_and_loses_its_connection() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        reported: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: reported.append(c["message"]))
        server.data_received = lambda data: 1 / 0  # type: ignore[method-assign,assignment]  # to fail
        client.transport.write(b"x")
        await idle()
        assert reported == ["protocol failed to receive data"]

    assert pair(body) == ([EOF, LOST], [("lost", ZeroDivisionError)])


def test_buffered_protocols_get_their_bytes_in_their_own_buffer() -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.buffer = bytearray(7)
            self.got = b""

        def get_buffer(self, sizehint: int) -> bytearray:
            assert sizehint == -1
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.got += self.buffer[:nbytes]

    async def body(client: Recorder, server: Recorder) -> None:
        buffered = Buffered()
        server.transport.set_protocol(buffered)
        assert server.transport.get_protocol() is buffered
        client.transport.write(b"more than seven bytes")
        client.transport.close()
        await idle()
        assert buffered.got == b"more than seven bytes"

    pair(body)


def test_context_variables_of_one_end_are_not_seen_at_the_other() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    async def body(client: Recorder, server: Recorder) -> None:
        server.data_received = lambda data: seen.append(who.get())  # type: ignore[method-assign]  # to look
        who.set("client")
        client.transport.write(b"x")
        await idle()

    pair(body)
    assert seen == ["nobody"]


def test_an_idle_connections_descriptor_is_readable_only_once_something_has_arrived() -> None:
    async def body(client: Recorder, server: Recorder) -> None:
        client.transport.pause_reading()
        sock = client.transport.get_extra_info("socket")
        assert select.select([sock.fileno()], [], [], 0)[0] == []
        server.transport.close()
        await idle()
        assert sock.fileno() == -1

    pair(body)


def test_a_closed_connection_leaves_nothing_behind() -> None:
    left: list[LeakReport] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Recorder, "127.0.0.1", 80)
        for _ in range(5):
            transport, _ = await loop.create_connection(Recorder, "127.0.0.1", 80)
            transport.close()
        server.close()

    run_virtual(main(), on_leak_report=left.append)
    assert left == [LeakReport()]


def test_closed_connections_are_freed_without_the_garbage_collector() -> None:
    alive: weakref.WeakSet[MemoryTransport] = weakref.WeakSet()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, MemoryTransport)
            alive.add(transport)
            transport.write(b"welcome")
            transport.close()

    async def main() -> int:
        loop = asyncio.get_running_loop()
        await loop.create_server(Server, "127.0.0.1", 80)
        for _ in range(100):
            _, recorder = await loop.create_connection(Recorder, "127.0.0.1", 80)
            alive.add(recorder.transport)
            await idle()
            assert recorder.events == [("data", b"welcome"), EOF, LOST]
            del recorder.transport
        del recorder, _
        return len(alive)

    gc.disable()
    try:
        assert run_virtual(main()) == 0
    finally:
        gc.enable()
