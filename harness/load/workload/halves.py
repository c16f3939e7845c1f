"""The two halves of a catalogue: what a router is trained on is not what it is judged by.

A question's half is decided by a keyed hash of its id alone, so it stays where it is whatever else a
catalogue holds, and nobody can have chosen it.
"""

from typing import Literal

from ..draws import unit
from .catalogue import Question

Half = Literal["all", "train", "test"]
KEY = 1
"""The key of the hash: the first there is, never tried against another."""


def half_of(question_id: str) -> Half:
    """The half of this question."""
    return "train" if unit(KEY, "half", question_id) < 0.5 else "test"


def in_half(questions: tuple[Question, ...], half: Half) -> tuple[Question, ...]:
    """The questions of one half, or all, in their order."""
    return questions if half == "all" else tuple(q for q in questions if half_of(q.id) == half)
