"""The seam between a partial answer and its continuation: white space is neither lost nor doubled.

Some providers refuse a prefill that ends in white space, so codecs strip it, and the continuation writes it
again; a provider that got the whole prefill does not. So white space at the start of a continuation is
dropped as far as it repeats the end of the partial answer, however the continuation is cut into pieces.
"""


class Seam:
    """Takes a continuation's pieces in order, from the first one on."""

    __slots__ = ("_expected",)

    def __init__(self, partial: str) -> None:
        self._expected = partial[len(partial.rstrip()) :]

    def take(self, piece: str) -> str:
        """`piece` without the white space that it repeats: "" while it is nothing else."""
        if not self._expected:
            return piece
        most = min(len(piece), len(self._expected))
        same = next((n for n in range(most) if piece[n] != self._expected[n]), most)
        self._expected = self._expected[same:] if same == len(piece) else ""
        return piece[same:]


def join(partial: str, continuation: str) -> str:
    """The whole text."""
    return partial + Seam(partial).take(continuation)
