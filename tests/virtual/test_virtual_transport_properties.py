"""For any script of two ends: no byte is lost, repeated or reordered, and each end is closed once."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from harness.virtual import LeakReport, VirtualLoop, run_virtual


class Side(asyncio.Protocol):
    """One end of a connection: performs its part of the script and checks the callbacks."""

    def __init__(self, keep_open: bool) -> None:
        self.keep_open = keep_open
        self.sent = b""
        self.got = b""
        self.eof = False
        self.lost: list[BaseException | None] = []
        self.wrote_eof = self.closed = self.aborted = False
        self.paused = self.writing_paused = False
        self.numbers = itertools.count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def may_be_told(self) -> None:
        assert not any((self.paused, self.eof, self.lost, self.closed, self.aborted))

    def data_received(self, data: bytes) -> None:
        assert data
        self.may_be_told()
        self.got += data

    def eof_received(self) -> bool:
        self.may_be_told()
        self.eof = True
        return self.keep_open

    def pause_writing(self) -> None:
        assert not self.writing_paused
        self.writing_paused = True

    def resume_writing(self) -> None:
        assert self.writing_paused
        self.writing_paused = False

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.append(exc)

    def write(self, size: int) -> None:
        if self.wrote_eof or self.transport.is_closing():
            return
        data = b"".join(b"%d," % next(self.numbers) for _ in range(size))
        self.transport.write(data)
        if not self.transport.is_closing():  # else this write met the peer's reset
            self.sent += data

    def pause(self, _: int) -> None:
        self.paused = not self.transport.is_closing()
        self.transport.pause_reading()

    def resume(self, _: int) -> None:
        self.paused = False
        self.transport.resume_reading()

    def write_eof(self, _: int) -> None:
        self.wrote_eof = True
        with contextlib.suppress(OSError):  # the peer has reset
            self.transport.write_eof()

    def close(self, _: int) -> None:
        self.closed = True
        self.transport.close()

    def abort(self, _: int) -> None:
        self.aborted = True
        self.transport.abort()


@dataclass(frozen=True)
class Step:
    side: int
    action: str
    size: int
    then_s: float


actions = st.sampled_from(["write"] * 6 + ["pause", "resume"] * 2 + ["write_eof", "close", "abort"])
steps = st.builds(
    Step, st.integers(0, 1), actions, st.integers(1, 40), st.sampled_from([0.0, 0.0, 0.01, 0.3])
)
scripts = st.lists(steps, max_size=30)
delays = st.sampled_from([0.0, 0.05, {("127.0.0.1", 80): 0.2}])


def play(
    script: list[Step], *, delay_s: Any, window: int, high: int, keep_open: bool
) -> tuple[tuple[Side, Side], LeakReport]:
    left: list[LeakReport] = []
    sides = Side(keep_open), Side(keep_open)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.network.window_bytes = window
        server = await loop.create_server(lambda: sides[1], "127.0.0.1", 80)
        await loop.create_connection(lambda: sides[0], "127.0.0.1", 80)
        loop.network.delay_s = delay_s
        await loop.idle()
        for side in sides:
            side.transport.set_write_buffer_limits(high)
        for step in script:
            getattr(sides[step.side], step.action)(step.size)
            if step.then_s:
                await asyncio.sleep(step.then_s)
        for side in sides:
            side.resume(0)
        await asyncio.sleep(10)
        for side in sides:
            side.close(0)
        server.close()
        await asyncio.sleep(10)
        for side in sides:
            if not side.lost:  # both closed with more to send than the window takes, and neither reads
                side.abort(0)
        await asyncio.sleep(10)

    run_virtual(main(), on_leak_report=left.append)
    return sides, left[0]


@given(scripts, delays, st.sampled_from([50, 1000]), st.sampled_from([0, 100]), st.booleans())
@example([Step(0, "write", 40, 0.0), Step(0, "close", 1, 0.0)], 0.0, 50, 0, True)
@example(
    [Step(1, "pause", 1, 0.0), Step(0, "write", 40, 0.0), Step(0, "write_eof", 1, 0.0)], 0.05, 50, 0, True
)
@example([Step(1, "pause", 1, 0.0), Step(0, "write", 40, 0.3), Step(0, "abort", 1, 0.0)], 0.0, 50, 0, True)
def test_bytes_and_endings_keep_their_promises(
    script: list[Step], delay_s: Any, window: int, high: int, keep_open: bool
) -> None:
    sides, left = play(script, delay_s=delay_s, window=window, high=high, keep_open=keep_open)
    for side, peer in (sides, sides[::-1]):
        assert peer.sent.startswith(side.got), "lost, repeated or reordered"
        assert len(side.lost) == 1
        if side.eof:
            assert side.got == peer.sent, "EOF before all data"
        if side.lost[0] is not None:
            assert isinstance(side.lost[0], ConnectionResetError | BrokenPipeError)
            assert peer.aborted or peer.closed, "a reset out of nothing"
    if not any(step.action in ("close", "abort") for step in script) and keep_open:
        assert [side.got for side in sides] == [peer.sent for peer in reversed(sides)]
        assert [side.lost for side in sides] == [[None], [None]]
    assert left == LeakReport()


@given(scripts, delays)
def test_the_same_script_gives_the_same_trace(script: list[Step], delay_s: Any) -> None:
    def trace() -> list[Any]:
        sides, _ = play(script, delay_s=delay_s, window=100, high=50, keep_open=False)
        return [(side.got, side.eof, repr(side.lost)) for side in sides]

    assert trace() == trace()
