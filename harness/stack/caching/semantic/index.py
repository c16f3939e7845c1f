"""Nearest neighbours by cosine: exact with numpy, which is fast enough up to 100,000 vectors.

A vector keeps its row number until it is removed; the number is then reused.
"""

import importlib
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ConfigError
from .embedding.embedder import Vectors

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
DIGITS = 6
"""Similarities are rounded, so that a machine's order of summation cannot decide what is served."""
NUMPY_MAX_VECTORS = 100_000
BATCH = 256


class Index(Protocol):
    """Vectors of unit length by row number."""

    def __len__(self) -> int: ...

    def add(self, row: int, vector: Vectors) -> None:
        """Store `vector` at `row`, which is free."""
        ...

    def remove(self, row: int) -> None:
        """Free `row`."""
        ...

    def search(self, vector: Vectors, k: int) -> tuple[Rows, Floats]:
        """The rows of the `k` nearest or fewer, nearest first, and their similarities."""
        ...


class NumpyIndex:
    """One matrix, doubled when full; a search reads all of it."""

    def __init__(self, dimensions: int) -> None:
        self._vectors: Vectors = np.zeros((0, dimensions), dtype=np.float32)
        self._present = np.zeros(0, dtype=np.bool_)
        self._rows_used = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, row: int, vector: Vectors) -> None:
        if row >= len(self._vectors):
            more = max(row + 1, 2 * len(self._vectors), 64) - len(self._vectors)
            self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))
            self._present = np.pad(self._present, (0, more))
        self._vectors[row] = vector
        self._present[row] = True
        self._rows_used = max(self._rows_used, row + 1)
        self._count += 1

    def remove(self, row: int) -> None:
        self._present[row] = False
        self._count -= 1

    def search(self, vector: Vectors, k: int) -> tuple[Rows, Floats]:
        return self._best(self._vectors[: self._rows_used] @ vector, k)

    def search_all(self, vectors: Vectors, k: int) -> Iterator[tuple[Rows, Floats]]:
        """A search for each of `vectors`, in batches."""
        for n in range(0, len(vectors), BATCH):
            for near in vectors[n : n + BATCH] @ self._vectors[: self._rows_used].T:
                yield self._best(near, k)

    def _best(self, near: Vectors, k: int) -> tuple[Rows, Floats]:
        k = min(k, self._count)
        if k == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        rounded = near.astype(np.float64).round(DIGITS)
        rounded[~self._present[: self._rows_used]] = -np.inf
        rows = np.argpartition(-rounded, k - 1)[:k]
        rows = rows[np.lexsort((rows, -rounded[rows]))]
        return rows.astype(np.int64), rounded[rows]


class UsearchIndex:
    """Approximate neighbours (HNSW, package `usearch`), for more than `NUMPY_MAX_VECTORS` vectors."""

    def __init__(self, dimensions: int) -> None:
        try:
            usearch: Any = importlib.import_module("usearch.index")
        except ImportError:
            raise ConfigError(
                f"semantic_cache.max_entries: more than {NUMPY_MAX_VECTORS:,} need usearch, "
                "expected pip install 'brownout[usearch]'"
            ) from None
        self._index = usearch.Index(ndim=dimensions, metric="ip", dtype="f32")

    def __len__(self) -> int:
        return len(self._index)

    def add(self, row: int, vector: Vectors) -> None:
        self._index.add(row, vector, threads=1)

    def remove(self, row: int) -> None:
        self._index.remove(row)

    def search(self, vector: Vectors, k: int) -> tuple[Rows, Floats]:
        if not len(self._index):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        found = self._index.search(vector, k, threads=1)
        rows, near = found.keys.astype(np.int64), (1 - found.distances.astype(np.float64)).round(DIGITS)
        order = np.lexsort((rows, -near))
        return rows[order], near[order]


def make_index(dimensions: int, most: int) -> Index:
    """An index for at most `most` vectors."""
    return NumpyIndex(dimensions) if most <= NUMPY_MAX_VECTORS else UsearchIndex(dimensions)
