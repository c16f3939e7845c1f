"""A reply as its quirks change it: streamed or whole."""

from functools import cached_property

import orjson

from ..plan import Piece
from .dialect import Frames
from .edit import Edit
from .events import Events, decoded, encoded


class EditedFrames:
    """Frames after these edits; they are read in their order, each once."""

    def __init__(self, frames: Frames, edits: list[Edit]) -> None:
        self._frames, self._edits, self._nth = frames, edits, 0
        self._newline = b""

    @cached_property
    def head(self) -> bytes:
        """Before the content."""
        events = self._decoded(self._frames.head)
        for edit in self._edits:
            events = edit.head(events)
        return encoded(events, self._newline)

    def piece(self, piece: Piece) -> bytes:
        """One content chunk."""
        events = self._decoded(self._frames.piece(piece))
        for edit in self._edits:
            events = edit.piece(events, self._nth)
        self._nth += 1
        return encoded(events, self._newline)

    @cached_property
    def finish(self) -> bytes:
        """Up to the finish reason."""
        events = self._decoded(self._frames.finish)
        for edit in self._edits:
            events = edit.finish(events)
        return encoded(events, self._newline)

    @cached_property
    def tail(self) -> bytes:
        """After the finish reason."""
        events = self._decoded(self._frames.tail)
        for edit in self._edits:
            events = edit.tail(events)
        return encoded(events, self._newline)

    def _decoded(self, raw: bytes) -> Events:
        """The events of these bytes, whose line ends are those of the protocol."""
        if not self._newline:
            self._newline = b"\r\n" if (raw or self._frames.finish).endswith(b"\r\n") else b"\n"
        return decoded(raw)


def edited_body(body: bytes, edits: list[Edit]) -> bytes:
    """The JSON of a whole reply after these edits."""
    reply = orjson.loads(body)
    for edit in edits:
        reply = edit.whole(reply)
    return orjson.dumps(reply)
