"""The questions that feed caches: many wordings of each, and neighbours that only look the same."""

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.load.workload.catalogue import Question, is_right, load_catalogue
from harness.load.workload.options import SYSTEM_PROMPT, WorkloadOptions, load_workload
from harness.load.workload.prose import filler
from mock_providers import load_catalogue as load_answers
from mock_providers.content.embeddings import embed

LOADED = load_workload(WorkloadOptions(catalogue="questions.jsonl"))
QUESTIONS = LOADED.questions
PROSE = filler(5, 300_000).split(" ", 2)[2]
WORDINGS = [text for question in QUESTIONS for text in question.wordings]


def groups() -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for question in QUESTIONS:
        if question.group is not None:
            found.setdefault(question.group, []).append(question)
    return found


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def test_there_are_as_many_as_promised_in_sensible_shares() -> None:
    assert len(QUESTIONS) >= 150
    share = {level: n / len(QUESTIONS) for level, n in Counter(q.difficulty for q in QUESTIONS).items()}
    assert share == {
        "easy": pytest.approx(0.40, abs=0.05),
        "medium": pytest.approx(0.35, abs=0.05),
        "hard": pytest.approx(0.25, abs=0.05),
    }
    assert len({question.topic for question in QUESTIONS}) >= 8


def test_every_question_of_the_first_catalogue_is_there_under_its_id_and_answer() -> None:
    by_id = {question.id: question for question in QUESTIONS}
    for old in load_workload(WorkloadOptions()).questions:
        kept = by_id[old.id].model_copy(update={"paraphrases": (), "group": None})
        assert kept == old


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_each_has_eight_paraphrases_that_do_not_tell_the_answer(question: Question) -> None:
    assert len(question.paraphrases) == 8
    for text in question.wordings:
        assert text.isascii()
        assert not is_right(text, question.answer)
    assert is_right(f"The answer is {question.answer}.", question.answer)
    assert not any(is_right(text, question.answer) for text in (*question.wrong, SYSTEM_PROMPT, PROSE))
    assert 1 <= len(question.answer.split()) <= 3 <= len(question.answer)
    assert len({wrong.casefold() for wrong in question.wrong}) == 3


def test_no_wording_is_there_twice_whatever_its_case_and_punctuation() -> None:
    signs = str.maketrans({"+": " plus ", "*": " times "})
    wordings = Counter(" ".join(words(text.translate(signs))) for text in WORDINGS)
    assert [text for text, times in wordings.items() if times > 1] == []
    assert len(WORDINGS) == 9 * len(QUESTIONS)


def test_paraphrases_are_really_other_words() -> None:
    """Of two wordings of a question, on average less than a third of all their words are in both."""
    shared = [
        len(a & b) / len(a | b)
        for question in QUESTIONS
        for sets in [[set(words(text)) for text in question.wordings]]
        for nth, a in enumerate(sets)
        for b in sets[nth + 1 :]
    ]
    assert sum(shared) / len(shared) < 1 / 3
    assert max(shared) < 1


def test_no_answer_passes_for_that_of_another_question() -> None:
    for question in QUESTIONS:
        others = [other for other in QUESTIONS if other is not question]
        assert not any(is_right(question.answer, other.answer) for other in others)


def test_there_are_enough_confusable_pairs_and_they_are_nearer_than_paraphrases() -> None:
    """Nearer by word and character n-grams alone, which is what a confused embedding goes by."""
    nobody = load_answers(LOADED.catalogue)
    confusable = groups()
    assert len(confusable) >= 25
    assert all(len(members) >= 2 for members in confusable.values())
    nearer = 0
    for members in confusable.values():
        own = [embed(member.question, nobody, 1536, 0.0) for member in members[:2]]
        paraphrase = embed(members[0].paraphrases[0], nobody, 1536, 0.0)
        nearer += bool(own[0] @ own[1] > own[0] @ paraphrase)
    assert nearer / len(confusable) > 0.6


def test_the_pairs_are_of_all_three_kinds() -> None:
    """A negation, another number, another entity: each by one example that must stay."""
    by_id = {question.id: question for question in QUESTIONS}
    for one, other, inserted in (
        ("q150", "q151", "not"),
        ("q018", "q110", "21"),
        ("q001", "q103", "finland"),
    ):
        a, b = by_id[one], by_id[other]
        assert a.group == b.group is not None
        assert a.answer != b.answer
        assert inserted in set(words(b.question)) - set(words(a.question))


def test_the_mock_knows_every_wording() -> None:
    answers = load_answers(LOADED.catalogue)
    assert len(answers) == len(QUESTIONS)
    for question in QUESTIONS:
        for text in question.wordings:
            known = answers.question_in(f"Notes.\nQuestion: {text}\nAnswer in about 20 tokens.")
            assert known is not None
            assert known.id == question.id


@pytest.mark.parametrize(
    ("second", "key"),
    [
        ('"question":"WHY not?","paraphrases":[]', "question"),
        ('"question":"Else?","paraphrases":["Why?"]', "paraphrases"),
        ('"question":"Else?","paraphrases":["Or?","or?"]', "paraphrases"),
    ],
)
def test_a_wording_used_twice_is_bad_input(tmp_path: Path, second: str, key: str) -> None:
    from harness.errors import InputError

    rest = '"answer":"because","wrong":["no"],"difficulty":"hard","topic":"t"}\n'
    path = tmp_path / "twice.jsonl"
    first = '{"id":"a","question":"Why?","paraphrases":["Why not?"],'
    path.write_text(first + rest + '{"id":"b",' + second + "," + rest)
    with pytest.raises(InputError, match=rf"line 2: {key}: expected one not used before, got line \d's$"):
        load_catalogue(path)
