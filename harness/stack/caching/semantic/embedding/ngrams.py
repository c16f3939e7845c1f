"""Hashed character n-grams: an embedder without a model, the same on every machine.

Every run of 3, 4 and 5 characters of a text is hashed to an index and a sign (feature hashing: Weinberger et
al., 2009, arXiv 0902.2206); each component is the signed square root of its sum, so that a repeated run
counts less than a new one. Texts are similar as far as their spelling is: robust to typing errors and word
forms, blind to synonyms.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....core.facts import CallFacts
from .embedder import Vectors, unit

SIZES = (3, 4, 5)
_BASE = np.uint64(0x100000001B3)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class NgramEmbedder:
    """Ignores case and the amount of white space. `dimensions` 1,024."""

    def __init__(self, dimensions: int = 1024) -> None:
        self._dimensions = dimensions

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        """A vector for each text; free, and without waiting."""
        return self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        return unit(np.stack([self._counts(text) for text in texts]).astype(np.float32))

    def _counts(self, text: str) -> NDArray[np.float64]:
        spelled = f" {' '.join(text.casefold().split())} "
        points = np.frombuffer(spelled.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
        hashes = mixed(np.concatenate([_rolled(points, size) for size in SIZES]))
        places = (hashes % np.uint64(self._dimensions)).astype(np.int64)
        signs = np.where(hashes >> np.uint64(63), 1.0, -1.0)
        counts = np.bincount(places, weights=signs, minlength=self._dimensions)
        return np.sign(counts) * np.sqrt(np.abs(counts))


def _rolled(points: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """A rolling hash of every run of `size` code points, independent of position."""
    runs = max(len(points) - size + 1, 0)
    rolled = np.full(runs, size, dtype=np.uint64)
    for n in range(size):
        rolled = rolled * _BASE + points[n : n + runs]
    return rolled


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: spreads each number's bits over all 64."""
    for shift, factor in zip((30, 27), _MIX, strict=True):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * factor
    return numbers ^ (numbers >> np.uint64(31))
