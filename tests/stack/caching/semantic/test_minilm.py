"""MiniLM in numpy: what its authors' model says, if it is installed."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from harness.stack.caching.semantic.embedding import minilm
from harness.stack.caching.semantic.embedding.minilm import MiniLM
from harness.stack.core.errors import ConfigError

INSTALLED = find_spec(minilm.PACKAGE) is not None and find_spec("tokenizers") is not None
needs_weights = pytest.mark.skipif(not INSTALLED, reason="brownout[minilm] is not installed")


def test_it_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    minilm._load.cache_clear()
    with pytest.raises(ConfigError, match=r"embedder.*brownout\[minilm\]"):
        MiniLM()


@needs_weights
def test_what_means_the_same_is_near_whatever_its_words() -> None:
    texts = ["How do I cancel my order?", "I want to undo what I bought", "Is it going to rain tomorrow?"]
    vectors = MiniLM().vectors(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


@needs_weights
async def test_a_vector_does_not_depend_on_its_batch() -> None:
    texts = ["How do I cancel my order?", "Where?", "How do I close my account now?"]
    one_by_one = np.concatenate([await MiniLM().embed([text]) for text in texts])
    assert np.allclose(await MiniLM().embed(texts), one_by_one, atol=1e-5)
