"""Agreement of answers, and groups of answers that agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.semantic.agreement import Agreement, AnswerGroups
from harness.stack.core.reply import Answer, Finish

END = Finish("stop", None)


def answer(text: str) -> Answer:
    return Answer(text, (), END)


@pytest.mark.parametrize(
    ("one", "other", "by_text", "by_sentence"),
    [
        ("Yes.", " yes.\n", True, True),
        ("It is 2.5 km. In short, far.", "It is 2.5 km. On balance, far.", False, True),
        ("It is 2.5 km. Far.", "It is 2.6 km. Far.", False, False),
        ("no end", "no end at all", False, False),
    ],
)
def test_answers_agree_by_their_text_or_their_first_sentence(
    one: str, other: str, by_text: bool, by_sentence: bool
) -> None:
    assert Agreement("text")(answer(one), answer(other)) is by_text
    assert Agreement("first_sentence")(answer(one), answer(other)) is by_sentence


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_equal_answers_are_of_one_group_while_one_is_stored(texts: list[str]) -> None:
    groups, numbers = AnswerGroups(Agreement()), dict[str, set[int]]()
    for text in texts:
        numbers.setdefault(text, set()).add(groups.add(answer(text), ()))
    assert all(len(found) == 1 for found in numbers.values())
    assert len({number for found in numbers.values() for number in found}) == len(numbers)
    for text in texts:
        groups.remove(answer(text))
    assert all(groups.add(answer(text), ()) not in found for text, found in numbers.items())


def test_a_custom_comparison_is_called_once_per_group_of_near_questions() -> None:
    asked: list[str] = []

    def judge(one: Answer, other: Answer) -> bool:
        asked.append(other.text)
        return other.text == "nein"

    groups = AnswerGroups(Agreement(compare=judge))
    near = [(5, answer("yes")), (5, answer("ja")), (6, answer("nein")), (7, answer("oui"))]
    assert groups.add(answer("no"), near) == 6
    assert asked == ["yes", "nein"]
