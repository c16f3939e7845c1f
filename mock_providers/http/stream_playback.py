"""Plays a plan as server-sent events.

Chunks that are due at the same time, or became due while the loop was busy, go out in one write.
"""

from ..ledger.entry import Entry
from ..plan import Piece, Plan
from ..wire.dialect import Frames
from .connection import CLOSE, RESET, ClientConnection
from .json_array import ArrayFrames

_MOST_CHUNKS_A_WRITE = 64  # bounds what counts as sent but may still lie in a buffer when a client leaves


async def play_stream(
    connection: ClientConnection,
    frames: Frames,
    plan: Plan,
    entry: Entry,
    error_event: bytes,
    in_array: bool = False,
) -> None:
    """Send the chunks when they are due, then end as the plan says; `error_event`: for an in-band error.

    `in_array`: the events are sent as the items of a JSON array (default: as events).
    """
    array = ArrayFrames(frames) if in_array else None
    frames = array or frames
    pieces, head, nth = plan.to_send, frames.head, 0
    write = connection.write_split if plan.splits else connection.write
    render = frames.piece if plan.malformed is None else _MalformedFrames(frames, plan)
    until_s = pieces[0].due_s if pieces else plan.ends_s
    await _beat(connection, plan, entry.received, until_s, in_array=in_array)
    while nth < len(pieces):
        await connection.until(entry.received + pieces[nth].due_s)
        batch = _due(pieces, nth, connection.now() - entry.received)
        nth += len(batch)
        last = plan.ends == "complete" and nth == len(pieces)
        content = b"".join([render(piece) for piece in batch])
        if last:
            await write(b"".join([head, content, frames.finish, frames.tail]), more=False)
        elif content:
            await write(head + content, more=True)
        entry.sent(batch, connection.now())
        head = b"" if content else head
        if len(batch) == _MOST_CHUNKS_A_WRITE:
            await connection.yield_to_loop()
    if plan.ends != "complete":
        unsent = head + frames.finish if plan.finished else head
        last_words = array.items(error_event) + b"]" if array and plan.ends == "in_band" else error_event
        await _break_off(connection, plan, entry, unsent, last_words)
        return
    if not pieces:
        await connection.until(entry.received + plan.ends_s)
        await write(b"".join([head, frames.finish, frames.tail]), more=False)
    entry.ended = "complete"


async def _break_off(
    connection: ClientConnection, plan: Plan, entry: Entry, unsent: bytes, error_event: bytes
) -> None:
    """End a stream before its regular end, once the frames that are `unsent` are sent."""
    if unsent:
        await connection.write(unsent, more=True)
    await connection.until(entry.received + plan.ends_s)
    match plan.ends:
        case "stalled":
            entry.ended = "stalled"
            await connection.cut(CLOSE)
        case "truncated":
            await connection.write(b"", more=False)
            entry.ended = "truncated"
        case "in_band":
            await connection.write(error_event, more=False)
            entry.ended = "error"
        case _:
            await connection.cut(RESET)


async def _beat(
    connection: ClientConnection, plan: Plan, received: float, until_s: float, *, in_array: bool
) -> None:
    """The comments of a plan's heartbeat (an array's: blank lines), from its headers until `until_s`."""
    if plan.heartbeat is not None:
        comment = b"\n" if in_array else b": %s\n\n" % plan.heartbeat.comment.encode()
        await beat(connection, plan.headers_s or 0.0, plan.heartbeat.gap_s, received, until_s, comment)


async def beat(
    connection: ClientConnection, from_s: float, gap_s: float, received: float, until_s: float, sign: bytes
) -> None:
    """Write `sign` at each multiple of `gap_s` after `from_s`, up to `until_s`, counted from `received`."""
    next_s = from_s + gap_s
    while next_s < until_s:
        await connection.until(received + next_s)
        await connection.write(sign, more=True)
        next_s += gap_s


class _MalformedFrames:
    """Renders chunks, one of them malformed."""

    def __init__(self, frames: Frames, plan: Plan) -> None:
        self._frames, self._left, self._how = frames, plan.malformed_at, plan.malformed
        self._done = False

    def __call__(self, piece: Piece) -> bytes:
        frame = self._frames.piece(piece)
        self._left -= 1
        # Gemini sends no frame for most parts of a function call: then the next frame is malformed.
        if self._left >= 0 or self._done or not frame:
            return frame
        self._done = True
        if self._how == "json":
            data = max(0, frame.rfind(b"data: "))
            return frame[: data + len(b"data: ") + (len(frame) - data) // 2] + b"\n\n"
        return b"\x00" + frame.replace(b"data: ", b"").rstrip(b"\r\n") + b"\n"


def _due(pieces: tuple[Piece, ...], first: int, now_s: float) -> tuple[Piece, ...]:
    """The piece at `first`, and those after it that are due at `now_s`, at most _MOST_CHUNKS_A_WRITE."""
    end = first + 1
    if end == len(pieces) or pieces[end].due_s > now_s:
        return (pieces[first],)
    most = min(len(pieces), first + _MOST_CHUNKS_A_WRITE)
    while end < most and pieces[end].due_s <= now_s:
        end += 1
    return pieces[first:end]
