"""Deviations in how server-sent events are written down, the same for every protocol.

The format: html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream. Lines may end in
LF, CR or CRLF, the space after a field's colon is optional, and lines that begin with a colon are comments.
"""

from collections.abc import Callable, Mapping

from ..plan import Piece, Plan
from .dialect import Frames

Framing = Callable[[bytes], bytes]


def _other_line_ends(frame: bytes) -> bytes:
    """CRLF; LF where the protocol has CRLF."""
    return frame.replace(b"\r\n", b"\n") if b"\r\n" in frame else frame.replace(b"\n", b"\r\n")


def _no_space(frame: bytes) -> bytes:
    parts = frame.split(b"\n")
    for field in (b"data: ", b"event: "):
        parts = [field.rstrip() + part[len(field) :] if part.startswith(field) else part for part in parts]
    return b"\n".join(parts)


def _with_comment(frame: bytes) -> bytes:
    """A comment before it, as OpenRouter sends them: openrouter.ai/docs/api-reference/streaming."""
    return b": OPENROUTER PROCESSING\n\n" + frame if frame else frame


FRAMINGS: Mapping[str, Framing] = {
    "crlf": _other_line_ends,
    "no_space": _no_space,
    "comments": _with_comment,
    "no_last_blank_line": lambda frame: frame,
}
"""Frames to frames, by the name of the quirk."""


class ReframedFrames:
    """Frames in other framings."""

    def __init__(self, frames: Frames, names: list[str]) -> None:
        self._frames = frames
        self._names = names

    @property
    def head(self) -> bytes:
        """Before the content."""
        return self._reframed(self._frames.head)

    def piece(self, piece: Piece) -> bytes:
        """One content chunk."""
        return self._reframed(self._frames.piece(piece))

    @property
    def finish(self) -> bytes:
        """Up to the finish reason; the end of the stream where nothing follows."""
        finish = self._reframed(self._frames.finish)
        return finish if self._frames.tail else self._last(finish)

    @property
    def tail(self) -> bytes:
        """After the finish reason."""
        return self._last(self._reframed(self._frames.tail))

    def _reframed(self, frame: bytes) -> bytes:
        for name in self._names:
            frame = FRAMINGS[name](frame)
        return frame

    def _last(self, frame: bytes) -> bytes:
        if "no_last_blank_line" not in self._names or not frame:
            return frame
        return frame.rstrip(b"\r\n") + (b"\r\n" if frame.endswith(b"\r\n") else b"\n")


def framings_of(plan: Plan) -> list[str]:
    """The framings that the quirks of a plan ask for."""
    return [quirk.name for quirk in plan.quirks if quirk.name in FRAMINGS]
