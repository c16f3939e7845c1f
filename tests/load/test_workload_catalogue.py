"""The catalogue: answers that can be told right from wrong, and a loader that refuses what cannot."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.load.workload.catalogue import Question, is_right, load_catalogue
from harness.load.workload.options import SYSTEM_PROMPT, WorkloadOptions, load_workload
from harness.load.workload.prose import filler

OWN = load_workload(WorkloadOptions()).questions
PROSE = filler(5, 300_000).split(" ", 2)[2]
GOOD: dict[str, object] = {
    "id": "q1",
    "question": "What is the capital of France?",
    "answer": "Paris",
    "wrong": ["Lyon"],
    "difficulty": "easy",
    "topic": "geography",
}


def test_our_catalogue_is_broad_and_graded() -> None:
    assert len(OWN) >= 72
    share = {level: n / len(OWN) for level, n in Counter(question.difficulty for question in OWN).items()}
    assert share == {
        "easy": pytest.approx(0.40, abs=0.05),
        "medium": pytest.approx(0.35, abs=0.05),
        "hard": pytest.approx(0.25, abs=0.05),
    }
    topics = Counter(question.topic for question in OWN)
    assert len(topics) >= 8
    assert min(topics.values()) >= 8


def test_our_catalogue_has_no_answer_twice() -> None:
    assert len({question.answer.casefold() for question in OWN}) == len(OWN)


@pytest.mark.parametrize("question", OWN, ids=lambda question: question.id)
def test_each_of_our_answers_is_short_and_told_by_nothing_else(question: Question) -> None:
    assert 1 <= len(question.answer.split()) <= 3
    assert len(question.answer) >= 3
    assert question.question.isascii()
    assert len({wrong.casefold() for wrong in question.wrong}) == 3
    assert is_right(f"It is {question.answer}.", question.answer)
    assert not any(is_right(f"It is {wrong}.", question.answer) for wrong in question.wrong)
    assert not is_right(question.question, question.answer)
    assert not is_right(SYSTEM_PROMPT, question.answer)
    assert not is_right(PROSE, question.answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Paris", "paris"),
        ("The capital is **PARIS**.", "Paris"),
        ("It's Paris's fault", "Paris"),
        ("pound\n sterling, of course", "pound sterling"),
        ("1.Paris", "Paris"),
        ("in 1969, Apollo", "1969"),
        ("(3.14)", "3.14"),
        ("C++ it is", "C++"),
        ("Straße nach Köln", "KÖLN"),
    ],
)
def test_an_answer_is_found_as_whole_words_in_any_case(text: str, answer: str) -> None:
    assert is_right(text, answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "Paris"),
        ("Parisian cafés", "Paris"),
        ("comparis", "Paris"),
        ("pound of sterling", "pound sterling"),
        ("3.14", "14"),
        ("14,000", "14"),
        ("14.5", "14"),
        ("214", "14"),
        ("a.c", "abc"),
        ("axc", "a.c"),
    ],
)
def test_part_of_a_word_or_of_a_number_is_not_the_answer(text: str, answer: str) -> None:
    assert not is_right(text, answer)


@given(
    st.sampled_from(OWN), st.text(alphabet=" \n.,;*()abc", max_size=20), st.text(" \n.,;*()abc", max_size=20)
)
def test_an_answer_set_apart_by_blanks_is_found_in_any_text(
    question: Question, before: str, after: str
) -> None:
    assert is_right(f"{before} {question.answer} {after}", question.answer)


def written(folder: Path, *lines: object) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines))
    return path


def test_questions_are_read_in_order_and_blank_lines_skipped(tmp_path: Path) -> None:
    second = GOOD | {"id": "q2", "question": "And of Italy?", "answer": "Rome\u2019s heart"}
    questions = load_catalogue(written(tmp_path, GOOD, b"  ", second, b""))
    assert [question.id for question in questions] == ["q1", "q2"]
    assert questions[0].wrong == ("Lyon",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difficulty": "simple"}, "line 2: difficulty: input should be 'easy', 'medium' or 'hard'"),
        ({"hint": "x"}, "line 2: hint: unknown key"),
        ({"answer": 5}, "line 2: answer: input should be a valid string, got 5"),
        ({"answer": ""}, "line 2: answer: expected one line of text without blanks"),
        ({"question": "a\nQuestion: b"}, "line 2: question: expected one line of text"),
        ({"question": "a\u2028b"}, "line 2: question: expected one line of text"),
        ({"wrong": []}, "line 2: wrong: tuple should have at least 1 item"),
        ({"wrong": ["Lyon", "old paris"]}, 'wrong: expected wrong answers apart from "Paris", got "old'),
        ({"answer": "Lyon or Paris"}, 'wrong: expected wrong answers apart from "Lyon or Paris",'),
        ({"id": "q0"}, "line 2: id: expected one not used before, got line 1's"),
        ({"question": "capital of NORWAY?"}, "line 2: question: expected one not used before"),
    ],
)  # fmt: skip
def test_a_bad_question_is_one_line_with_file_line_key_and_expectation(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    first = GOOD | {"id": "q0", "question": "Capital of Norway?", "answer": "Oslo"}
    path = written(tmp_path, first, GOOD | change)
    with pytest.raises(InputError) as caught:
        load_catalogue(path)
    assert str(caught.value).startswith(f"{path} ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "line 1: invalid JSON"),
        (b"[]", "line 1: (top level): input should be an object"),
        (b"", "expected at least one question, got none"),
        (b"\xff", "is not UTF-8 text; expected a catalogue"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_catalogue(written(tmp_path, content))
    assert message in str(caught.value)


def test_a_missing_question_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: topic: expected a value, found none$"):
        load_catalogue(written(tmp_path, {key: GOOD[key] for key in GOOD if key != "topic"}))


def test_a_missing_catalogue_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"cannot be read \(No such file or directory\); expected a catalogue"
    ):
        load_catalogue(tmp_path / "absent.jsonl")
