"""Hit rate against wrong answers, for each policy, over questions with known answers.

The first questions train the cache, which serves nothing meanwhile; the others test it. Every policy gets the
same neighbours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bound import wilson_upper
from .embedding.embedder import Vectors
from .evidence import NEIGHBOURS, Evidence
from .gate import signature
from .index import NumpyIndex
from .partition import Found, Partition
from .policy import Verified

Flags = NDArray[np.bool_]


class Point(NamedTuple):
    """A policy's result on the test calls. `hit_rate` and `false_hit_share` are shares of all of them."""

    hit_rate: float
    false_hit_share: float
    upper_95: float

    @classmethod
    def of(cls, served: Flags, right: Flags) -> "Point":
        wrong, of = int((served & ~right).sum()), len(right)
        return cls(float(served.mean()), wrong / of, wilson_upper(wrong, of))


class Trial(NamedTuple):
    """The best match of each test question, and whether its answer was right."""

    partition: Partition
    matches: list[Evidence]
    right: Flags

    def plain(self, threshold: float) -> Point:
        """Serves matches whose similarity is `threshold` or more."""
        return Point.of(self._similarities >= threshold, self.right)

    def gated(self, threshold: float) -> Point:
        """As `plain`, if negations, numbers and names are the same, too."""
        return Point.of((self._similarities >= threshold) & self._same, self.right)

    def verified(self, delta: float, confidence: float = 0.99) -> Point:
        """The verified policy, trained on the questions before the test."""
        policy = Verified(delta, confidence)
        policy.learn(self.partition.observations())
        return Point.of(np.array([policy.serves(match) for match in self.matches]), self.right)

    def in_hindsight(self, share: float, *, gated: bool = False) -> Point:
        """The threshold with the most hits of those whose share of wrong calls is at most `share`."""
        similarities = np.where(self._same, self._similarities, -np.inf) if gated else self._similarities
        order = np.argsort(-similarities, kind="stable")
        wrong = np.cumsum(~self.right[order]) / len(order)
        ranked = similarities[order]
        last = np.append(ranked[1:] != ranked[:-1], True)
        kept = np.flatnonzero(last & (wrong <= share) & np.isfinite(ranked))
        threshold = float(ranked[kept[-1]]) if len(kept) else np.inf
        return self.gated(threshold) if gated else self.plain(threshold)

    @property
    def _similarities(self) -> NDArray[np.float64]:
        return np.array([match.similarity for match in self.matches])

    @property
    def _same(self) -> Flags:
        return np.array([match.same_tokens for match in self.matches])


def play(texts: Sequence[str], answers: Sequence[str], vectors: Vectors, warm: int) -> Trial:
    """Cache the first `warm` questions, then find a match for each of the others, which are not cached."""
    groups = {answer: n for n, answer in enumerate(dict.fromkeys(answers))}
    index = NumpyIndex(vectors.shape[1])
    partition = Partition(index)
    for text, answer, vector in zip(texts[:warm], answers, vectors, strict=False):
        partition.learn(vector, partition.search(vector), signature(text), groups[answer])
    matches: list[Evidence] = []
    right: list[bool] = []
    found = index.search_all(vectors[warm:], NEIGHBOURS)
    for text, answer, (rows, similarities) in zip(texts[warm:], answers[warm:], found, strict=True):
        match = partition.evidence(Found(rows, similarities), signature(text))
        if match is None:
            raise ValueError("expected at least one question to cache")
        matches.append(match)
        right.append(partition.group(match.row) == groups[answer])
    return Trial(partition, matches, np.array(right))
