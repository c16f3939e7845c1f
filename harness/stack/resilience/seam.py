"""Where a partial answer ends and its continuation begins: white space is neither lost nor doubled.

Some providers refuse a prefill that ends in white space. It is sent without; one that goes on from there
writes that white space again, one that was given all of it does not. So what a continuation begins with is
left out as far as it repeats the white space that the partial answer ended with, however it is cut in pieces.
"""


class Seam:
    """Give it the continuation's pieces in order, from the first one on."""

    __slots__ = ("_expected",)

    def __init__(self, said: str) -> None:
        self._expected = said[len(said.rstrip()) :]

    def take(self, piece: str) -> str:
        """What of `piece` comes after all that was said; nothing, while it only repeats white space."""
        if not self._expected:
            return piece
        most = min(len(piece), len(self._expected))
        same = next((n for n in range(most) if piece[n] != self._expected[n]), most)
        self._expected = self._expected[same:] if same == len(piece) else ""
        return piece[same:]


def join(said: str, continuation: str) -> str:
    """The whole text."""
    return said + Seam(said).take(continuation)
