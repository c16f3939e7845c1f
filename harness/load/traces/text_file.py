"""A text file, plain or gzipped, that can be read from any line on when it is plain."""

import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20


class TextFile:
    """Lines of bytes; a byte order mark is skipped. `size` is None when lines cannot be sought (gzip)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._gzipped = file.read(2) == _GZIP
        with self.open() as opened:
            self._first = len(_BOM) if opened.read(3) == _BOM else 0
        self.size = None if self._gzipped else path.stat().st_size

    def open(self) -> BinaryIO:
        """The file from its first byte on."""
        if self._gzipped:
            return cast("BinaryIO", gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def open_at(self, offset: int = 0) -> BinaryIO:
        """The file from `offset` on, or from behind the byte order mark."""
        file = self.open()
        file.seek(offset or self._first)
        return file

    def open_text(self, offset: int = 0) -> io.TextIOWrapper:
        """The same as text, line ends as they are."""
        return io.TextIOWrapper(self.open_at(offset), encoding="utf-8", newline="")

    def offset_of_line(self, number: int) -> int:
        """The offset behind the first `number` lines."""
        with self.open_at() as file:
            for _ in range(number):
                file.readline()
            return file.tell()

    def lines_before(self, offset: int) -> int:
        """Line feeds before `offset`."""
        found = 0
        with self.open() as file:
            while offset > 0 and (chunk := file.read(min(_CHUNK, offset))):
                found += chunk.count(b"\n")
                offset -= len(chunk)
        return found
