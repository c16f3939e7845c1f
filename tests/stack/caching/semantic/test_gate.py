"""The gate: a negation, a number or a name more or less makes another question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.semantic.gate import signature

DIFFER = [
    ("Is it safe to eat?", "Is it not safe to eat?"),  # GPTCache#694: negations score 0.83-0.9997
    ("Can I pay by card?", "Can't I pay by card?"),
    ("Can I pay by card?", "I can’t pay by card"),
    ("I can pay with a card", "I can pay without a card"),
    ("What is 15 % of 80?", "What is 15 % of 90?"),
    ("Convert 1,000 to feet", "Convert 10,000 to feet"),
    ("Give me two examples", "Give me three examples"),
    ("What is the capital of France?", "What is the capital of Spain?"),
    ("How far is it from Oslo to Rome?", "How far is it from Oslo to Bonn?"),
    ("Can I pay in EUR?", "Can I pay in USD?"),
]
ALIKE = [
    ("When will my card arrive?", "My card: when is it going to arrive?"),
    ("What is 1,000 times 2.50?", "What is 1000 times 2.5?"),
    ("Give me two examples", "Give me 2 examples"),
    ("What's the capital of France?", "Of France, tell me the capital"),
    ("I can't log in. Why?", "Why can I not log in?"),
    ("Where is Anna's card?", "The card of Anna, where is it?"),
    ("I lost it. Can you help?", "can you help? I lost it"),
]


@pytest.mark.parametrize(("one", "other"), DIFFER)
def test_what_changes_the_meaning_changes_the_signature(one: str, other: str) -> None:
    """Regression named after GPTCache#694: a question and its negation are one to most embedders."""
    assert not np.array_equal(signature(one), signature(other))


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_other_words_for_the_same_have_the_same_signature(one: str, other: str) -> None:
    assert np.array_equal(signature(one), signature(other))


@given(st.text())
def test_any_text_has_a_signature(text: str) -> None:
    assert signature(text).shape == (3,)
    assert np.array_equal(signature(text), signature(text))
