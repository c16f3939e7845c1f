"""Reads one reply as its client sees it: arrival times of content, outcome, completeness.

Works line by line, so that the load generator can read lines as the socket delivers them. A stream without
`[DONE]`, without a finish reason, or with an error event is a failure, whatever its HTTP status.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson


@dataclass(slots=True)
class ObservedReply:
    """A reply as its client sees it.

    `chunk_s` are arrival times on the reader's clock; `called`: it calls a tool. `exception`: the type of
    what the user's own client raised. `ended_as`: the outcome of a call that neither stack nor provider
    ended: "client_error", "cut", "unfinished", "unstarted", "dropped", "generator_error", "lost".
    """

    status: int | None = None
    chunk_s: list[float] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    output_tokens: int = 0
    error_kind: str | None = None
    rejected: bool = False
    called: bool = False
    exception: str | None = None
    ended_as: str | None = None

    @property
    def text(self) -> str:
        """The content received so far."""
        return "".join(self.pieces)

    @property
    def outcome(self) -> str:
        """ "success", "failed", "rejected" (the stack refused the call), or for a reply that ended well but
        is no answer: "filtered" (by the provider) or "empty" (white space at most, and no tool call); or
        `ended_as`.
        """
        if self.ended_as is not None:
            return self.ended_as
        if self.error_kind is not None:
            return "rejected" if self.rejected else "failed"
        if self.finish_reason == "content_filter":
            return "filtered"
        return "success" if self.called or self.text.strip() else "empty"


def read_stream(lines: Iterator[bytes], now: Callable[[], float], observed: ObservedReply) -> None:
    """Read an SSE reply to its end; the caller handles a broken connection."""
    for line in lines:
        if read_line(line, now, observed):
            return
    observed.error_kind = "truncated"


def read_line(line: bytes, now: Callable[[], float], observed: ObservedReply) -> bool:
    """Read one line of an SSE reply. Returns whether the reply has ended, successfully or not."""
    if not line.startswith(b"data:"):
        return False
    data = line[5:].strip()
    if data == b"[DONE]":
        if observed.finish_reason is None:
            observed.error_kind = "truncated"
        return True
    _read_chunk(data, now, observed)
    return observed.error_kind is not None


def _read_chunk(data: bytes, now: Callable[[], float], observed: ObservedReply) -> None:
    arrived_s = now()
    try:
        chunk = orjson.loads(data)
        if chunk.get("error"):
            observed.error_kind = chunk["error"].get("code") or "in_band"
            return
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if delta.get("content"):
                observed.chunk_s.append(arrived_s)
                observed.pieces.append(delta["content"])
            observed.called = observed.called or bool(delta.get("tool_calls"))
            observed.finish_reason = choice.get("finish_reason") or observed.finish_reason
        if chunk.get("usage"):
            observed.output_tokens = chunk["usage"]["completion_tokens"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        observed.error_kind = "malformed"


def read_whole(body: bytes, now: Callable[[], float], observed: ObservedReply) -> None:
    """Read a JSON reply, a completion or an error."""
    arrived_s = now()
    try:
        reply = orjson.loads(body)
        if observed.status != 200:
            error = reply["error"]
            observed.error_kind = error.get("code") or error.get("type") or f"http_{observed.status}"
            observed.rejected = error.get("type") == "rejected"
            return
        choice = reply["choices"][0]
        observed.finish_reason = choice["finish_reason"]
        observed.called = bool(choice["message"].get("tool_calls"))
        if choice["message"]["content"]:
            observed.chunk_s.append(arrived_s)
            observed.pieces.append(choice["message"]["content"])
        observed.output_tokens = reply.get("usage", {}).get("completion_tokens", 0)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        observed.error_kind = "malformed" if observed.status == 200 else f"http_{observed.status}"
