"""Plays a plan onto a client's connection: the only file that sleeps.

Writes happen at absolute times of the loop's clock, so lateness of one chunk does not add up over a reply.
Chunks that are due at the same time, or have become due while the loop was busy, go out in one write.
"""

import asyncio

from ..endpoints import Decision
from ..ledger.entry import Entry
from ..plan import Piece, Plan
from ..wire.dialect import Dialect, Frames, HeadersOut
from . import asgi

RESET = "brownout.reset"
CLOSE = "brownout.close"
"""Keys of `scope["extensions"]`: callables that cut the connection, with a TCP reset or an orderly close."""

_MOST_CHUNKS_A_WRITE = 64  # bounds what counts as sent but may still lie in a buffer when a client leaves
_DRIPS = 20  # parts of a JSON body that drips
_HTML = (b"content-type", b"text/html; charset=utf-8")
_SSE = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class ClientGone(Exception):
    """The client has left, or the server is shutting down: nobody is there to play for."""


class BodyTooLarge(Exception):
    """The request's body is longer than the server reads."""


class ClientConnection:
    """One request's connection: read the body, wait, write, cut; every wait ends when the client leaves."""

    def __init__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        self._loop = asyncio.get_running_loop()
        self._extensions = scope.get("extensions") or {}
        self._receive = receive
        self._send = send
        self._waiter: asyncio.Future[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._gone = False
        self.interrupted = False

    def now(self) -> float:
        """The loop's clock, seconds."""
        return self._loop.time()

    async def body(self, limit: int) -> bytes:
        """The whole request body; raises Gone, or BodyTooLarge past `limit` bytes."""
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > limit:
                raise BodyTooLarge
            if not message.get("more_body", False):
                return bytes(body)

    async def until(self, when: float) -> None:
        """Return at `when` on the loop's clock, at once if that has passed; raises Gone."""
        if not self._gone and when > self._loop.time():
            self._listen()
            self._waiter = self._loop.create_future()
            timer = self._loop.call_at(when, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._gone:
            raise ClientGone

    async def breathe(self) -> None:
        """Let others run, a departing client among them."""
        self._listen()
        await asyncio.sleep(0)
        if self._gone:
            raise ClientGone

    async def start(self, status: int, headers: HeadersOut) -> None:
        """Send the status line and headers."""
        await self._sent({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        await self._sent({"type": "http.response.body", "body": data, "more_body": more})

    async def cut(self, how: str) -> None:
        """Cut the connection (RESET or CLOSE); where the server offers no such thing, raise instead."""
        cutter = self._extensions.get(how)
        if cutter is None:
            raise ConnectionResetError("the mock provider cut this connection on purpose")
        cutter()
        await self._listen()

    def interrupt(self) -> None:
        """The server is shutting down: whoever waits raises Gone."""
        self.interrupted = True
        self._leave()

    def close(self) -> None:
        """The request is over."""
        if self._listener is not None:
            self._listener.cancel()

    async def _sent(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError:  # what ASGI servers raise when the client is gone
            raise ClientGone from None

    def _listen(self) -> asyncio.Task[None]:
        if self._listener is None:
            self._listener = self._loop.create_task(self._hear_disconnect())
        return self._listener

    async def _hear_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def play(connection: ClientConnection, dialect: Dialect, decision: Decision, entry: Entry) -> None:
    """Do what the decision's plan says, from `entry.received` on; `entry` tells how far it got, always."""
    plan, rendering = decision.plan, decision.rendering
    headers = dialect.headers(decision.stamp, plan)
    if plan.problem is not None:
        await connection.until(entry.received + plan.ends_s)
        body = dialect.error_body(plan.problem, decision.stamp.request_id)
        await _send_whole(connection, plan.status, [asgi.JSON, *headers], body, entry)
        entry.ended = "error"
    elif plan.page is not None:
        await connection.until(entry.received + plan.ends_s)
        await _send_whole(connection, plan.status, [_HTML], plan.page.encode(), entry)
        entry.ended = "error"
    elif plan.headers_s is None or rendering is None:
        await connection.until(entry.received + plan.ends_s)
        entry.ended = "reset" if plan.ends == "reset" else "hung"
        await connection.cut(RESET if plan.ends == "reset" else CLOSE)
    elif decision.info.stream:
        await connection.until(entry.received + plan.headers_s)
        await connection.start(plan.status, [*_SSE, *headers])
        entry.status = plan.status
        last_words = b""
        if plan.in_band is not None:
            last_words = dialect.error_event(plan.in_band, decision.stamp.request_id)
        await _play_stream(connection, rendering.frames(plan), plan, entry, last_words)
    else:
        body = rendering.body(plan)
        if plan.in_band is not None:
            body = dialect.error_body(plan.in_band, decision.stamp.request_id)
        content_type = (b"content-type", rendering.content_type)
        await _play_whole(connection, plan, [content_type, *headers], body, entry)


async def _send_whole(
    connection: ClientConnection, status: int, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    await connection.start(status, [*headers, (b"content-length", b"%d" % len(body))])
    entry.status = status
    await connection.write(body, more=False)


async def _play_whole(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """A JSON reply, whole or not."""
    cut_s = plan.ends_s if plan.ends != "stalled" else plan.headers_s or 0.0
    await connection.until(entry.received + cut_s)
    if plan.ends == "reset":
        await connection.cut(RESET)
    elif plan.ends in ("stalled", "truncated"):
        await connection.start(plan.status, [*headers, (b"content-length", b"%d" % len(body))])
        entry.status = plan.status
        await connection.write(body[: len(body) // 2], more=True)
        entry.sent(plan.pieces, connection.now())
        await connection.until(entry.received + plan.ends_s)
        entry.ended = "stalled" if plan.ends == "stalled" else "truncated"
        await connection.cut(CLOSE)
    else:
        body = body[: len(body) // 2] if plan.malformed else body
        if plan.drip_s is None:
            await _send_whole(connection, plan.status, headers, body, entry)
        else:
            await _drip(connection, plan, headers, body, entry)
        if plan.in_band is None:
            entry.sent(plan.pieces, connection.now())
        entry.ended = "complete" if plan.in_band is None else "error"


async def _drip(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """A body in parts, `plan.drip_s` apart."""
    await connection.start(plan.status, [*headers, (b"content-length", b"%d" % len(body))])
    entry.status = plan.status
    size = max(1, -(-len(body) // _DRIPS))
    for nth, start in enumerate(range(0, len(body), size)):
        await connection.until(entry.received + plan.ends_s + nth * (plan.drip_s or 0.0))
        await connection.write(body[start : start + size], more=start + size < len(body))


async def _play_stream(
    connection: ClientConnection, frames: Frames, plan: Plan, entry: Entry, last_words: bytes
) -> None:
    pieces, head, nth = plan.to_send, frames.head, 0
    render = frames.piece if plan.malformed is None else _MalformedFrames(frames, plan)
    while nth < len(pieces):
        await connection.until(entry.received + pieces[nth].due_s)
        batch = _due(pieces, nth, connection.now() - entry.received)
        nth += len(batch)
        last = plan.ends == "complete" and nth == len(pieces)
        parts = [head, *[render(piece) for piece in batch], frames.tail if last else b""]
        await connection.write(b"".join(parts), more=not last)
        entry.sent(batch, connection.now())
        head = b""
        if len(batch) == _MOST_CHUNKS_A_WRITE:
            await connection.breathe()
    if plan.ends == "complete":
        if not pieces:
            await connection.write(head + frames.tail, more=False)
        entry.ended = "complete"
        return
    if head:
        await connection.write(head, more=True)
    await connection.until(entry.received + plan.ends_s)
    await _break_off(connection, plan, entry, last_words)


async def _break_off(connection: ClientConnection, plan: Plan, entry: Entry, last_words: bytes) -> None:
    """The end of a stream that does not end well."""
    match plan.ends:
        case "stalled":
            entry.ended = "stalled"
            await connection.cut(CLOSE)
        case "truncated":
            await connection.write(b"", more=False)
            entry.ended = "truncated"
        case "in_band":
            await connection.write(last_words, more=False)
            entry.ended = "error"
        case _:
            await connection.cut(RESET)


class _MalformedFrames:
    """Renders chunks, one of them broken."""

    def __init__(self, frames: Frames, plan: Plan) -> None:
        self._frames, self._left, self._how = frames, plan.malformed_at, plan.malformed
        self._done = False

    def __call__(self, piece: Piece) -> bytes:
        frame = self._frames.piece(piece)
        self._left -= 1
        # Gemini sends nothing for most parts of a function call: then the next frame that is one.
        if self._left >= 0 or self._done or not frame:
            return frame
        self._done = True
        if self._how == "json":
            return (
                frame[: frame.rindex(b"data: ") + 6 + (len(frame) - frame.rindex(b"data: ")) // 2] + b"\n\n"
            )
        return b"\x00" + frame.replace(b"data: ", b"").rstrip(b"\r\n") + b"\n"


def _due(pieces: tuple[Piece, ...], first: int, now_s: float) -> tuple[Piece, ...]:
    """The piece at `first`, and those after it that are due too."""
    end = first + 1
    if end == len(pieces) or pieces[end].due_s > now_s:
        return (pieces[first],)
    most = min(len(pieces), first + _MOST_CHUNKS_A_WRITE)
    while end < most and pieces[end].due_s <= now_s:
        end += 1
    return pieces[first:end]
