"""The protocol of embedders, which turn texts into vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....core.facts import CallFacts

Vectors = NDArray[np.float32]
"""A row per text, each of unit length (all zeros for an empty text)."""


class Embedder(Protocol):
    """Texts with the same meaning get vectors with a large scalar product."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        """A vector for each text, in order. The cost is recorded in `facts`. Raises `StackError`."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """Each row scaled to unit length; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled
