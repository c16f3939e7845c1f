"""The index: the nearest by cosine, whatever was added and removed before."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.semantic.embedding.embedder import unit
from harness.stack.caching.semantic.index import (
    NUMPY_MAX_VECTORS,
    Index,
    NumpyIndex,
    UsearchIndex,
    make_index,
)

VECTORS = unit(np.random.default_rng(7).standard_normal((40, 16)).astype(np.float32))
KINDS: list[Callable[[], Index]] = [lambda: NumpyIndex(16)]
if find_spec("usearch") is not None:
    KINDS.append(lambda: UsearchIndex(16))


@pytest.mark.parametrize("make", KINDS)
@given(steps=st.lists(st.integers(0, 39), max_size=60), asked=st.integers(0, 39), k=st.integers(1, 8))
def test_it_finds_what_a_sort_of_all_finds(
    make: Callable[[], Index], steps: list[int], asked: int, k: int
) -> None:
    index, there = make(), dict.fromkeys(range(0))
    for row in steps:
        if row in there:
            index.remove(row)
            del there[row]
        else:
            index.add(row, VECTORS[row])
            there[row] = None
    assert len(index) == len(there)
    rows, similarities = index.search(VECTORS[asked], k)
    if isinstance(index, NumpyIndex):
        assert [found.tolist() for found, _ in index.search_all(VECTORS[asked : asked + 1], k)] == [
            rows.tolist()
        ]
    expected = sorted(there, key=lambda row: (-round(float(VECTORS[row] @ VECTORS[asked]), 4), row))[:k]
    assert rows.tolist() == expected
    assert similarities == pytest.approx([float(VECTORS[row] @ VECTORS[asked]) for row in expected], abs=1e-4)


def test_a_row_given_again_has_its_new_vector() -> None:
    index = NumpyIndex(16)
    index.add(0, VECTORS[0])
    index.remove(0)
    index.add(0, VECTORS[1])
    rows, similarities = index.search(VECTORS[1], 3)
    assert (rows.tolist(), similarities.tolist()) == ([0], [pytest.approx(1.0)])


def test_few_vectors_are_searched_exactly() -> None:
    assert isinstance(make_index(16, NUMPY_MAX_VECTORS), NumpyIndex)


@pytest.mark.skipif(find_spec("usearch") is None, reason="brownout[usearch] is not installed")
def test_many_are_not() -> None:
    assert isinstance(make_index(16, NUMPY_MAX_VECTORS + 1), UsearchIndex)
