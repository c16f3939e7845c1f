"""The two halves of a catalogue: a router is trained on one and evaluated on the other.

A keyed hash of a question's id decides its half, so the rest of the catalogue has no influence on it.
"""

from typing import Literal

from ..draws import unit
from .catalogue import Question

Half = Literal["all", "train", "test"]
KEY = 1
"""The key of the hash: the first one, not selected among several."""


def half_of(question_id: str) -> Half:
    """The half of the question with this id."""
    return "train" if unit(KEY, "half", question_id) < 0.5 else "test"


def in_half(questions: tuple[Question, ...], half: Half) -> tuple[Question, ...]:
    """The questions of one half, or all, in their order."""
    return questions if half == "all" else tuple(q for q in questions if half_of(q.id) == half)
