"""What a client sees of one reply: when content came, how it ended, and whether it was whole.

Works on lines, so that the load generator can hand them over as the socket gives them. A stream without its
`[DONE]` or without a finish reason is a failure, whatever its HTTP status; so is an error event in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson


@dataclass(slots=True)
class Seen:
    """A reply as its client saw it. Moments are on the clock that was given."""

    status: int | None = None
    chunk_s: list[float] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    output_tokens: int = 0
    error_kind: str | None = None
    rejected: bool = False

    @property
    def text(self) -> str:
        """All content so far."""
        return "".join(self.pieces)

    @property
    def outcome(self) -> str:
        """success, failed, or rejected (the stack refused to try)."""
        if self.error_kind is None:
            return "success"
        return "rejected" if self.rejected else "failed"


def read_stream(lines: Iterator[bytes], now: Callable[[], float], seen: Seen) -> None:
    """Read an SSE reply to its end into `seen`; a broken connection is the caller's exception."""
    for line in lines:
        if read_line(line, now, seen):
            return
    seen.error_kind = "truncated"


def read_line(line: bytes, now: Callable[[], float], seen: Seen) -> bool:
    """Take one line of an SSE reply into `seen`; whether that was the end, good or bad."""
    if not line.startswith(b"data:"):
        return False
    data = line[5:].strip()
    if data == b"[DONE]":
        if seen.finish_reason is None:
            seen.error_kind = "truncated"
        return True
    _take(data, now, seen)
    return seen.error_kind is not None


def _take(data: bytes, now: Callable[[], float], seen: Seen) -> None:
    arrived_s = now()
    try:
        chunk = orjson.loads(data)
        if "error" in chunk:
            seen.error_kind = chunk["error"].get("code") or "in_band"
            return
        for choice in chunk["choices"]:
            if choice["delta"].get("content"):
                seen.chunk_s.append(arrived_s)
                seen.pieces.append(choice["delta"]["content"])
            seen.finish_reason = choice["finish_reason"] or seen.finish_reason
        if chunk.get("usage"):
            seen.output_tokens = chunk["usage"]["completion_tokens"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        seen.error_kind = "malformed"


def read_whole(body: bytes, now: Callable[[], float], seen: Seen) -> None:
    """Read a JSON reply, good or bad, into `seen`."""
    arrived_s = now()
    try:
        reply = orjson.loads(body)
        if seen.status != 200:
            error = reply["error"]
            seen.error_kind = error.get("code") or error.get("type") or f"http_{seen.status}"
            seen.rejected = error.get("type") == "rejected"
            return
        choice = reply["choices"][0]
        seen.finish_reason = choice["finish_reason"]
        if choice["message"]["content"]:
            seen.chunk_s.append(arrived_s)
            seen.pieces.append(choice["message"]["content"])
        seen.output_tokens = reply.get("usage", {}).get("completion_tokens", 0)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        seen.error_kind = "malformed" if seen.status == 200 else f"http_{seen.status}"
