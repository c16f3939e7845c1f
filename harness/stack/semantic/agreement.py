"""Whether two answers say the same, and which of a partition's answers do.

By default answers agree if they are the same text but for case and white space. Providers that put one thing
in many words need another comparison: a judge, or an id in the answer.
"""

from collections.abc import Callable, Iterable

from ..reply import Answer

Agrees = Callable[[Answer, Answer], bool]


def same_text(one: Answer, other: Answer) -> bool:
    """The default comparison."""
    return _plain(one) == _plain(other)


class Groups:
    """Numbers the answers of one partition: one number for all that agree.

    An answer is compared with those of the nearest questions; the same text is known wherever it is.
    """

    def __init__(self, agrees: Agrees) -> None:
        self._agrees = agrees
        self._by_text: dict[str, tuple[int, int]] = {}
        self._next = 0

    def join(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        """The group of `answer`, which is now held once more; `near` are (group, answer), nearest first."""
        text = _plain(answer)
        group, held = self._by_text.get(text, (-1, 0))
        if not held:
            group = self._among(answer, near)
        self._by_text[text] = (group, held + 1)
        return group

    def leave(self, answer: Answer) -> None:
        """An answer that joined is forgotten."""
        text = _plain(answer)
        group, held = self._by_text.pop(text)
        if held > 1:
            self._by_text[text] = (group, held - 1)

    def _among(self, answer: Answer, near: Iterable[tuple[int, Answer]]) -> int:
        asked: dict[int, None] = {}
        for group, other in near:
            if group not in asked and self._agrees(answer, other):
                return group
            asked[group] = None
        self._next += 1
        return self._next - 1


def _plain(answer: Answer) -> str:
    return " ".join(answer.text.casefold().split())
