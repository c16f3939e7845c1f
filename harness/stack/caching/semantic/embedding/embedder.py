"""What turns questions into vectors: the shape that each embedder fills."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....core.facts import CallFacts

Vectors = NDArray[np.float32]
"""A row per text, each of unit length (or all zeros, for a text that says nothing)."""


class Embedder(Protocol):
    """Texts that mean the same get vectors with a large scalar product."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        """A vector for each text, in order. What it costs is noted on `facts`. Raises `StackError`."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """Each row scaled to unit length; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled
