"""Whether two answers agree, and the groups of answers that agree in a partition.

Compared is an answer's text, ignoring case and white space, or its first sentence only. Providers that word
the same answer differently need a comparison of your own in addition: a judge, or an id in the answer.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ...core.reply import Answer

AnswerComparison = Callable[[Answer, Answer], bool]
ComparedPart = Literal["text", "first_sentence"]

_SENTENCE = re.compile(r".*?[.!?…。！？]+(?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers agree if their compared `part` is equal, or if `compare` returns true."""

    part: ComparedPart = "text"
    compare: AnswerComparison | None = None

    def __call__(self, one: Answer, other: Answer) -> bool:
        equal = self.compared_text(one) == self.compared_text(other)
        return equal or (self.compare is not None and self.compare(one, other))

    def compared_text(self, answer: Answer) -> str:
        """The normalised text that is compared."""
        text = " ".join(answer.text.casefold().split())
        sentence = _SENTENCE.match(text) if self.part == "first_sentence" else None
        return text if sentence is None else sentence.group()


class AnswerGroups:
    """Numbers the answers of one partition: one number for all that agree.

    Equal texts are found anywhere in the partition; `compare` is only called on answers of near questions.
    """

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._known: dict[str, tuple[int, int]] = {}
        self._next = 0

    def add(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        """Add `answer`, and return its group. `near`: (group, answer) of near questions, nearest first."""
        text = self._agreement.compared_text(answer)
        group, count = self._known.get(text, (-1, 0))
        if not count:
            group = self._group_of(answer, near)
        self._known[text] = (group, count + 1)
        return group

    def remove(self, answer: Answer) -> None:
        """Remove an answer that was added."""
        text = self._agreement.compared_text(answer)
        group, count = self._known.pop(text)
        if count > 1:
            self._known[text] = (group, count - 1)

    def _group_of(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        compare = self._agreement.compare
        compared: dict[int, None] = {}
        for group, other in near if compare is not None else ():
            if group not in compared and compare is not None and compare(answer, other):
                return group
            compared[group] = None
        self._next += 1
        return self._next - 1
