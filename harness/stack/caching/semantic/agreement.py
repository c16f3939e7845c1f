"""Whether two answers say the same, and which of a partition's answers do.

What an answer says is its text, but for case and white space, or only its first sentence, where the rest is
ornament. Providers that put one thing in many words need a comparison of your own besides: a judge, or an id
in the answer.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ...core.reply import Answer

Agrees = Callable[[Answer, Answer], bool]
Said = Literal["text", "first_sentence"]

_SENTENCE = re.compile(r".*?[.!?…。！？]+(?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers agree if they say the same by `said`, or if `agrees` finds so."""

    said: Said = "text"
    agrees: Agrees | None = None

    def __call__(self, one: Answer, other: Answer) -> bool:
        return self.of(one) == self.of(other) or (self.agrees is not None and self.agrees(one, other))

    def of(self, answer: Answer) -> str:
        """What the answer says."""
        text = " ".join(answer.text.casefold().split())
        sentence = _SENTENCE.match(text) if self.said == "first_sentence" else None
        return text if sentence is None else sentence.group()


class Groups:
    """Numbers the answers of one partition: one number for all that agree.

    What says the same is known wherever it is; `agrees` is asked about the answers of the nearest questions.
    """

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._known: dict[str, tuple[int, int]] = {}
        self._next = 0

    def join(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        """The group of `answer`, which is now held once more; `near` are (group, answer), nearest first."""
        said = self._agreement.of(answer)
        group, held = self._known.get(said, (-1, 0))
        if not held:
            group = self._among(answer, near)
        self._known[said] = (group, held + 1)
        return group

    def leave(self, answer: Answer) -> None:
        """An answer that joined is forgotten."""
        said = self._agreement.of(answer)
        group, held = self._known.pop(said)
        if held > 1:
            self._known[said] = (group, held - 1)

    def _among(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        agrees = self._agreement.agrees
        asked: dict[int, None] = {}
        for group, other in near if agrees is not None else ():
            if group not in asked and agrees is not None and agrees(answer, other):
                return group
            asked[group] = None
        self._next += 1
        return self._next - 1
