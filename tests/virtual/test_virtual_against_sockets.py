"""The same script on loopback sockets and in memory gives protocols the same callbacks."""

import asyncio
import socket
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.virtual import run_virtual

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_TURNS = 10  # loopback hands bytes over within send(): so many turns of the loop see everything

Script = list[tuple[int, str]]


class Recorder(asyncio.Protocol):
    def __init__(self, keep_open: bool) -> None:
        self.keep_open = keep_open
        self.events: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if self.events and self.events[-1][0] == "data":
            data = self.events.pop()[1] + data
        self.events.append(("data", data))

    def eof_received(self) -> bool:
        # asyncio tells it again after a pause and a resume; in memory it is told once.
        if ("eof",) not in self.events:
            self.events.append(("eof",))
        return self.keep_open

    def connection_lost(self, exc: BaseException | None) -> None:
        self.events.append(("lost", type(exc).__name__))


def act(side: Recorder, action: str, n: int) -> None:
    transport = side.transport
    if action == "write":
        if not transport.is_closing():
            transport.write(b"%d." % n)
    elif action == "pause":
        transport.pause_reading()
    elif action == "resume":
        transport.resume_reading()
    elif action == "write_eof":
        try:
            transport.write_eof()
        except OSError as error:
            side.events.append(("write_eof", error.errno))
    elif action == "close":
        transport.close()
    else:
        sock = transport.get_extra_info("socket")
        if not transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        transport.abort()


async def play(script: Script, keep_open: bool) -> list[list[Any]]:
    """The callbacks of both ends. Nothing is written after an end's own EOF."""
    loop = asyncio.get_running_loop()
    sides = [Recorder(keep_open), Recorder(keep_open)]
    server = await loop.create_server(lambda: sides[1], "127.0.0.1", 0)
    await loop.create_connection(lambda: sides[0], *server.sockets[0].getsockname())
    ended = [False, False]
    for n, (who, action) in enumerate([*script, (0, "resume"), (1, "resume"), (0, "close"), (1, "close")]):
        if action == "write" and ended[who]:
            continue
        ended[who] |= action == "write_eof"
        act(sides[who], action, n)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    server.close()
    await asyncio.sleep(0.01)
    return [side.events for side in sides]


def both(script: Script, keep_open: bool) -> tuple[list[list[Any]], list[list[Any]]]:
    return run_virtual(play(script, keep_open)), asyncio.run(play(script, keep_open))


SCRIPTS: dict[str, Script] = {
    "talk": [(0, "write"), (1, "write"), (0, "write")],
    "close": [(0, "write"), (0, "close"), (1, "write"), (1, "write")],
    "half-close": [(0, "write"), (0, "write_eof"), (1, "write"), (1, "close")],
    "abort": [(0, "write"), (1, "abort"), (0, "write"), (0, "write")],
    "abort a paused peer": [(0, "pause"), (1, "write"), (1, "abort"), (0, "resume")],
    "write to a reset peer while paused": [(0, "pause"), (1, "abort"), (0, "write"), (0, "write")],
    "close with unread bytes": [(0, "pause"), (1, "write"), (0, "close"), (1, "write"), (1, "write")],
    "write to who closed": [(1, "close"), (0, "write"), (0, "write"), (0, "write")],
    "paused over an eof": [(0, "pause"), (1, "write"), (1, "close"), (0, "write"), (0, "resume")],
    "both half-close": [(0, "write_eof"), (1, "write_eof")],
}


@pytest.mark.parametrize("keep_open", [False, True])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_protocol_callbacks_equal_those_on_sockets(script: Script, keep_open: bool) -> None:
    virtual, real = both(script, keep_open)
    assert virtual == real


actions = st.sampled_from(["write"] * 4 + ["pause", "resume", "write_eof", "close", "abort"])


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1), actions), max_size=12), st.booleans())
def test_random_scripts_agree_with_sockets(script: Script, keep_open: bool) -> None:
    virtual, real = both(script, keep_open)
    assert virtual == real
