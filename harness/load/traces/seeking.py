"""The place in a sorted file of lines at which a slice begins, found by bisection: a few reads, any size."""

from collections.abc import Callable

from .text_file import TextFile

_PROBE = 1 << 16
_LINEAR_BELOW = 1 << 17
"""Bytes below which reading on is quicker than another probe."""

IsBefore = Callable[[bytes], bool | None]
"""Whether a line lies before the slice; None when the line cannot be read."""


def seek(file: TextFile, first: int, is_before: IsBefore) -> int:
    """The offset of a line before which every row lies before the slice; `first` if none is found.

    `first` is the offset of the first row. Only lines whose surroundings have no odd number of quotes are
    believed, since a quoted field may contain line ends; a line that cannot be read ends the search.
    """
    if file.size is None:
        return first
    low, high = first, file.size
    with file.open_at(first) as opened:
        while high - low > _LINEAR_BELOW:
            middle = (low + high) // 2
            opened.seek(middle)
            found = _whole_line(opened.read(_PROBE))
            before = None if found is None else is_before(found[1])
            if found is None or before is None:
                return low
            if before:
                low = middle + found[0]
            else:
                high = middle
    return low


def _whole_line(chunk: bytes) -> tuple[int, bytes] | None:
    """(offset, line) of the first whole line of a chunk; None without one or when quotes are open."""
    lines = chunk.split(b"\n")[1:-1]
    if not lines or any(line.count(b'"') % 2 for line in lines):
        return None
    return chunk.index(b"\n") + 1, lines[0]
