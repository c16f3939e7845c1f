"""Plays a plan onto a client's connection.

Writes happen at absolute times of the loop's clock, so one chunk's lateness does not add up over a reply.
"""

from ..endpoints import Decision
from ..ledger.entry import Entry
from ..plan import Plan
from ..wire.dialect import Dialect, HeadersOut
from . import asgi
from .connection import CLOSE, RESET, ClientConnection
from .json_array import JSON_STREAM
from .retirement import retirement_headers
from .stream_playback import beat, play_stream

_DRIP_PARTS = 20  # of a JSON body that is sent slowly
_HTML = (b"content-type", b"text/html; charset=utf-8")
_JSON_STREAM = [(b"content-type", JSON_STREAM)]
_SSE = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


async def play(connection: ClientConnection, dialect: Dialect, decision: Decision, entry: Entry) -> None:
    """Play the decision's plan, its times counted from `entry.received`; `entry` records the progress.

    Raises ClientGone.
    """
    plan, rendering = decision.plan, decision.rendering
    headers = [*dialect.headers(decision.stamp, plan), *retirement_headers(decision.stamp, plan)]
    if plan.keep_alive is not None:
        connection.after_reply(plan.keep_alive)
    if plan.problem is not None:
        body = dialect.error_body(plan.problem, decision.stamp.request_id)
        await _play_error(connection, plan, [asgi.JSON, *headers], body, entry)
    elif plan.page is not None:
        await _play_error(connection, plan, [_HTML], plan.page.encode(), entry)
    elif plan.headers_s is None or rendering is None:
        await connection.until(entry.received + plan.ends_s)
        entry.ended = "reset" if plan.ends == "reset" else "hung"
        await connection.cut(RESET if plan.ends == "reset" else CLOSE)
    elif decision.info.stream:
        await connection.until(entry.received + plan.headers_s)
        about = _JSON_STREAM if rendering.in_array else _SSE
        await connection.start(plan.status, [*about, *headers])
        entry.status = plan.status
        error_event = b""
        if plan.in_band is not None:
            usual = dialect.error_event(plan.in_band, decision.stamp.request_id)
            error_event = rendering.error_event(plan, usual)
        await play_stream(connection, rendering.frames(plan), plan, entry, error_event, rendering.in_array)
    else:
        body = rendering.body(plan)
        if plan.in_band is not None and not plan.finished:
            usual = dialect.error_body(plan.in_band, decision.stamp.request_id)
            body = rendering.failed_body(plan, usual)
        content_type = (b"content-type", rendering.content_type)
        await _play_whole(connection, plan, [content_type, *headers], body, entry)


async def _play_error(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    await connection.until(entry.received + plan.ends_s)
    await _send_whole(connection, plan.status, headers, body, entry)
    entry.ended = "error"


async def _send_whole(
    connection: ClientConnection, status: int, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    await connection.start(status, [*headers, (b"content-length", b"%d" % len(body))])
    entry.status = status
    await connection.write(body, more=False)


async def _play_whole(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """A JSON reply: complete, reset before it starts, or cut in the middle (stalled, truncated)."""
    if plan.finished:
        await _play_unended(connection, plan, headers, body, entry)
        return
    cut_s = plan.ends_s if plan.ends != "stalled" else plan.headers_s or 0.0
    if plan.heartbeat is not None and plan.ends == "complete":
        await _play_early_headers(connection, plan, headers, body, entry)
        return
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


async def _play_early_headers(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """The headers when they are due, then blank lines, then the body when it is."""
    assert plan.heartbeat is not None
    from_s = plan.headers_s or 0.0
    await connection.until(entry.received + from_s)
    await connection.start(plan.status, headers)
    entry.status = plan.status
    await beat(connection, from_s, plan.heartbeat.gap_s, entry.received, plan.ends_s, b"\n")
    await connection.until(entry.received + plan.ends_s)
    await connection.write(body, more=False)
    entry.sent(plan.pieces, connection.now())
    entry.ended = "complete"


async def _play_unended(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """All of the document in a body that has no declared length and does not end: trouble comes instead."""
    await connection.until(entry.received + (plan.headers_s or 0.0))
    await connection.start(plan.status, headers)
    entry.status = plan.status
    await connection.write(body, more=True)
    entry.sent(plan.pieces, connection.now())
    await connection.until(entry.received + plan.ends_s)
    entry.ended = {"stalled": "stalled", "truncated": "truncated"}.get(plan.ends, "reset")  # type: ignore[assignment]  # of Ended
    await connection.cut(RESET if plan.ends == "reset" else CLOSE)


async def _drip(
    connection: ClientConnection, plan: Plan, headers: HeadersOut, body: bytes, entry: Entry
) -> None:
    """Send a body in parts, `plan.drip_s` seconds apart."""
    await connection.start(plan.status, [*headers, (b"content-length", b"%d" % len(body))])
    entry.status = plan.status
    size = max(1, -(-len(body) // _DRIP_PARTS))
    for nth, start in enumerate(range(0, len(body), size)):
        await connection.until(entry.received + plan.ends_s + nth * (plan.drip_s or 0.0))
        await connection.write(body[start : start + size], more=start + size < len(body))
