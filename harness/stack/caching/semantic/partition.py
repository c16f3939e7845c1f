"""One partition: the vectors, groups and nearest neighbours of its questions.

The right answer of every cached question is known. So it is known whether the cache would have served it
rightly, had it come last: its neighbours, without itself, are kept for that (leave-one-out).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .embedding.embedder import Vectors
from .evidence import NEIGHBOURS, Evidence, Floats, Integers, Observations, features_of
from .index import Index

Signatures = NDArray[np.uint64]
SEARCHED = 32
"""Number of near questions whose neighbour lists a new question may enter."""


class Found(NamedTuple):
    """The questions nearest to one, nearest first."""

    rows: Integers
    similarities: Floats


class Partition:
    """Rows of one partition. `learn` adds a row, `remove` frees it for reuse."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._free: list[int] = []
        self._rows_used = 0
        self._groups = np.full(0, -1, dtype=np.int64)
        self._weights = np.zeros(0)
        self._signatures = np.zeros((0, 3), dtype=np.uint64)
        self._near = np.full((0, NEIGHBOURS), -1, dtype=np.int64)
        self._similar = np.zeros((0, NEIGHBOURS))
        self._observations: Observations | None = None

    def __len__(self) -> int:
        return len(self._index)

    def search(self, vector: Vectors) -> Found:
        """The questions nearest to `vector`."""
        return Found(*self._index.search(vector, SEARCHED))

    def group(self, row: int) -> int:
        """The group of the question at `row`."""
        return int(self._groups[row])

    def evidence(self, found: Found, signature: Signatures) -> Evidence | None:
        """The features of the nearest match; None if there is none."""
        if not len(found.rows):
            return None
        near, similar = _filled(found)
        agree = self._signatures[near[0]] == signature
        features = features_of(similar[None], self._groups_of(near[None]), agree[None])[0]
        return Evidence(int(near[0]), float(similar[0]), bool(agree.all()), features)

    def learn(
        self, vector: Vectors, found: Found, signature: Signatures, group: int, weight: float = 1.0
    ) -> int:
        """Add a question with neighbours `found` that represents `weight` calls. Returns its row."""
        row = self._free.pop() if self._free else self._new_row()
        self._groups[row] = group
        self._weights[row] = weight
        self._signatures[row] = signature
        self._near[row], self._similar[row] = _filled(found)
        self._enter(row, found)
        self._index.add(row, vector)
        self._observations = None
        return row

    def remove(self, row: int) -> None:
        """Forget the question at `row`."""
        self._index.remove(row)
        self._free.append(row)
        self._groups[row] = -1
        self._weights[row] = 0.0
        self._near[row], self._similar[row] = -1, 0.0
        removed = self._near == row
        changed = np.flatnonzero(removed.any(axis=1))
        self._near[removed], self._similar[removed] = -1, 0.0
        order = np.argsort(self._near[changed] < 0, axis=1, kind="stable")
        self._near[changed] = np.take_along_axis(self._near[changed], order, axis=1)
        self._similar[changed] = np.take_along_axis(self._similar[changed], order, axis=1)
        self._observations = None

    def observations(self) -> Observations:
        """Each question as if it came last: the features of its match, and whether that answer is right."""
        if self._observations is None:
            rows = np.flatnonzero(self._groups >= 0)
            groups = self._groups_of(self._near[rows])
            agree = self._signatures[self._near[rows, 0]] == self._signatures[rows]
            alone = groups[:, 0] < 0
            features = features_of(self._similar[rows], groups, agree)
            features[alone] = 0.0
            right = (groups[:, 0] == self._groups[rows]) & ~alone
            self._observations = Observations(features, right, self._weights[rows])
        return self._observations

    def _groups_of(self, near: Integers) -> Integers:
        return np.where(near >= 0, self._groups[near], -1)

    def _new_row(self) -> int:
        if self._rows_used == len(self._groups):
            more = max(self._rows_used, 64)
            self._groups = np.pad(self._groups, (0, more), constant_values=-1)
            self._weights = np.pad(self._weights, (0, more))
            self._signatures = np.pad(self._signatures, ((0, more), (0, 0)))
            self._near = np.pad(self._near, ((0, more), (0, 0)), constant_values=-1)
            self._similar = np.pad(self._similar, ((0, more), (0, 0)))
        self._rows_used += 1
        return self._rows_used - 1

    def _enter(self, row: int, found: Found) -> None:
        """Enter `row` into the neighbour lists of those found for which it is near enough."""
        list_full = self._near[found.rows, -1] >= 0
        nearer = ~list_full | (found.similarities > self._similar[found.rows, -1])
        rows, similarities = found.rows[nearer], found.similarities[nearer]
        self._near[rows, -1], self._similar[rows, -1] = row, similarities
        keys = np.where(self._near[rows] >= 0, -self._similar[rows], np.inf)
        order = np.argsort(keys, axis=1, kind="stable")
        self._near[rows] = np.take_along_axis(self._near[rows], order, axis=1)
        self._similar[rows] = np.take_along_axis(self._similar[rows], order, axis=1)


def _filled(found: Found) -> tuple[Integers, Floats]:
    """The nearest `NEIGHBOURS`, padded with row -1 and similarity 0."""
    near, similar = np.full(NEIGHBOURS, -1, dtype=np.int64), np.zeros(NEIGHBOURS)
    count = min(len(found.rows), NEIGHBOURS)
    near[:count], similar[:count] = found.rows[:count], found.similarities[:count]
    return near, similar
