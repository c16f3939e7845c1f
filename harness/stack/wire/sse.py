"""Incremental parser of server-sent events, for bytes split anywhere.

Source: the WHATWG HTML standard, section 9.2.6, "Interpreting an event stream"; `id` and `retry` fields are
ignored, since no LLM provider sends them. One rule is stricter: a line with an unknown field is an error,
since it may be a chunk that lost its `data:`, whose text would be lost silently.
"""

import re
from typing import NamedTuple

from ..core.errors import ProviderError

IGNORED = (b"", b"id", b"retry")
"""Ignored fields; a comment has the empty name."""


class ServerSentEvent(NamedTuple):
    """One dispatched event: its `event:` field ("" when absent) and its data lines joined by newlines."""

    event: bytes
    data: bytes


class SSEParser:
    """Feed bytes, get the events that they complete; `flush` gives one without its blank line."""

    def __init__(self) -> None:
        self._tail = b""
        self._swallow_lf = False
        self._begun = False
        self._event = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events completed by `chunk`, in order."""
        if _is_one_plain_event(chunk) and not self._tail and not self._event and not self._data:
            self._begun, self._swallow_lf = True, False
            return [ServerSentEvent(b"", chunk[6:-2])]
        if self._swallow_lf and chunk:
            self._swallow_lf = False
            chunk = chunk.removeprefix(b"\n")
        buffer = self._tail + chunk
        if not self._begun:
            if len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
                self._tail = buffer
                return []
            self._begun = True
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
        lines = buffer.splitlines(keepends=True)
        self._tail = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        self._swallow_lf = bool(lines) and lines[-1].endswith(b"\r") and not self._tail
        events: list[ServerSentEvent] = []
        for line in lines:
            self._take(line.rstrip(b"\r\n"), events)
        return events

    def flush(self) -> list[ServerSentEvent]:
        """The body is over: the last event, if data of it came but no blank line. It may be incomplete."""
        events: list[ServerSentEvent] = []
        tail, self._tail = self._tail, b""
        if tail.startswith(b"data:"):
            self._take(tail, events)
        self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if not line:
            data, self._data = b"\n".join(self._data), []
            if data:
                events.append(ServerSentEvent(self._event, data))
            self._event = b""
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._event = value.removeprefix(b" ")
        elif name not in IGNORED:
            raise ProviderError("malformed", f"a line of no known field in the event stream: {line[:80]!r}")


_BEHIND_BLANK_LINES = re.compile(rb"(?<=\n\n)|(?<=\n\r\n)|(?<=\r\r)")


def looks_like_events(body: bytes) -> bool:
    """Whether a body is an event stream, whatever its content type says: JSON and HTML never begin so."""
    return body.lstrip(b"\xef\xbb\xbf\r\n ").startswith((b"data:", b"event:", b":", b"id:", b"retry:"))


def one_by_one(received: bytes) -> list[bytes]:
    """Split bytes into single events, so that events before a malformed one are still delivered."""
    if b"\r" not in received and received.find(b"\n\n", 0, -2) < 0:
        return [received]
    return [part for part in _BEHIND_BLANK_LINES.split(received) if part]


def _is_one_plain_event(chunk: bytes) -> bool:
    """Exactly `data: …` and a blank line, as most reads of a paced stream are; a fast path."""
    last = chunk.find(b"\n")
    return 6 < last == len(chunk) - 2 and chunk[-1] == 10 and chunk[:6] == b"data: " and b"\r" not in chunk
