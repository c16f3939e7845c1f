"""Bytes that the pipe has not taken yet, and the water marks that pause and resume the writer."""

from collections import deque

_HIGH_DEFAULT = 64 * 1024


class WriteBuffer:
    """First in, first out; copies only a piece that is taken in parts.

    size  bytes buffered
    high  above it the writer is paused (64 KiB as in asyncio)
    low   at or under it a paused writer resumes (a quarter of high)
    """

    __slots__ = ("_pieces", "high", "low", "size")

    def __init__(self) -> None:
        self._pieces: deque[bytes | memoryview] = deque()
        self.size = 0
        self.high = _HIGH_DEFAULT
        self.low = _HIGH_DEFAULT // 4

    def set_limits(self, high: int | None, low: int | None) -> None:
        """Default: low is a quarter of high, or high four times low. ValueError unless high >= low >= 0."""
        if high is None:
            high = _HIGH_DEFAULT if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self.high, self.low = high, low

    def append(self, data: bytes) -> None:
        """Add all of `data`."""
        self._pieces.append(data)
        self.size += len(data)

    def take(self, limit: int) -> bytes:
        """The first piece, at most `limit` (1 or more) bytes of it."""
        piece = self._pieces.popleft()
        if len(piece) > limit:
            rest = memoryview(piece)
            self._pieces.appendleft(rest[limit:])
            piece = rest[:limit]
        self.size -= len(piece)
        return bytes(piece)

    def clear(self) -> None:
        """Drop all bytes."""
        self._pieces.clear()
        self.size = 0
