"""A partition: what is known of its questions stays true while they come and go."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.semantic.embedding.embedder import unit
from harness.stack.caching.semantic.evidence import NEIGHBOURS, features_of
from harness.stack.caching.semantic.index import NumpyIndex
from harness.stack.caching.semantic.partition import Partition

VECTORS = unit(np.random.default_rng(3).standard_normal((30, 8)).astype(np.float32))
GROUPS = np.arange(30) % 4
TOKENS = np.stack([np.arange(30) % 2, np.arange(30) % 3, np.zeros(30)], axis=1).astype(np.uint64)


def learned(partition: Partition, n: int, weight: float = 1.0) -> int:
    found = partition.search(VECTORS[n])
    return partition.learn(VECTORS[n], found, TOKENS[n], int(GROUPS[n]), weight)


@given(st.permutations(range(30)))
def test_each_question_is_judged_as_if_it_had_come_last(order: list[int]) -> None:
    partition = Partition(NumpyIndex(8))
    for n in order:
        learned(partition, n)
    features, right, weights = partition.observations()
    for row, n in enumerate(order):
        near = VECTORS @ VECTORS[n]
        near[n] = -np.inf
        nearest = np.argsort(-near)[:NEIGHBOURS]
        expected = features_of(
            near[nearest][None].astype(float), GROUPS[nearest][None], (TOKENS[nearest[0]] == TOKENS[n])[None]
        )
        assert np.allclose(features[row], expected[0], atol=1e-5)
        assert right[row] == (GROUPS[nearest[0]] == GROUPS[n])
    assert weights.tolist() == [1.0] * 30


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 29)), max_size=60))
def test_what_was_removed_is_neither_found_nor_counted(steps: list[tuple[bool, int]]) -> None:
    partition, rows = Partition(NumpyIndex(8)), dict[int, int]()
    for add, n in steps:
        if add and n not in rows:
            rows[n] = learned(partition, n, weight=2.0)
        elif not add and n in rows:
            partition.remove(rows.pop(n))
    features, right, weights = partition.observations()
    assert len(partition) == len(features) == len(right) == len(rows)
    assert weights.tolist() == [2.0] * len(rows)
    match = partition.evidence(partition.search(VECTORS[0]), TOKENS[0])
    if match is None:
        assert not rows
    else:
        best = max(rows, key=lambda n: float(VECTORS[n] @ VECTORS[0]))
        assert (match.row, partition.group(match.row)) == (rows[best], GROUPS[best])
