"""A stream as the items of one JSON array, sent as they come: Gemini's streams without `alt=sse`."""

from functools import cached_property

from ..plan import Piece
from ..wire.dialect import Frames
from ..wire.events import decoded, encoded_data

JSON_STREAM = b"application/json; charset=utf-8"


class ArrayFrames:
    """The frames of server-sent events, each event an item of an array."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._before = b"["

    @cached_property
    def head(self) -> bytes:
        """Before the content."""
        return self.items(self._frames.head)

    def piece(self, piece: Piece) -> bytes:
        """One content chunk."""
        return self.items(self._frames.piece(piece))

    @cached_property
    def finish(self) -> bytes:
        """Up to the finish reason."""
        return self.items(self._frames.finish)

    @cached_property
    def tail(self) -> bytes:
        """After it, and the end of the array."""
        return self.items(self._frames.tail) + b"]"

    def items(self, frames: bytes) -> bytes:
        """The events of these frames as items."""
        written = b""
        for event in decoded(frames):
            written += self._before + encoded_data(event)
            self._before = b",\r\n"
        return written
