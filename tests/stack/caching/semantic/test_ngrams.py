"""Hashed n-grams: the same vector everywhere, near for what is spelled alike."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.semantic.embedding.ngrams import NgramEmbedder

EMBEDDER = NgramEmbedder()
PRINTED = (
    "from harness.stack.caching.semantic.embedding.ngrams import NgramEmbedder;"
    "print(NgramEmbedder().vectors(['When will my card arrive?']).tobytes().hex()[:256])"
)


def test_a_vector_is_the_same_in_every_process() -> None:
    """Regression named after bifrost#2791: a nondeterministic hash never hits."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != b""


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_vector_has_unit_length_and_does_not_depend_on_the_batch(texts: list[str]) -> None:
    vectors = EMBEDDER.vectors(texts)
    assert vectors.shape == (len(texts), EMBEDDER.dimensions)
    assert vectors.dtype == np.float32
    for text, vector in zip(texts, vectors, strict=True):
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5) or not text.strip()
        assert np.array_equal(vector, EMBEDDER.vectors([text])[0])


def test_case_and_white_space_make_no_difference() -> None:
    one, other = EMBEDDER.vectors(["Where is  my card?", " where is my CARD?\n"])
    assert np.array_equal(one, other)


def test_what_is_spelled_alike_is_near() -> None:
    asked, typo, other = EMBEDDER.vectors(
        ["When will my new card arrive?", "When wil my new card arive?", "How do I close an account?"]
    )
    assert asked @ typo > 0.6
    assert abs(asked @ other) < 0.3
