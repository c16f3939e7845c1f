"""Labelled questions of anybody's: a category is a question, its texts are its wordings."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.load.arrivals import PoissonArrivals
from harness.load.plan import make_plan
from harness.load.workload.catalogue import is_right
from harness.load.workload.options import Workload, WorkloadOptions, load_workload
from harness.load.workload.questions_csv import read_questions_csv
from harness.spec.answers import catalogue_of, write_catalogue
from mock_providers import load_catalogue
from tests.paths import DATA

BANKING = DATA / "banking77_train.csv"
FILE = """text,category
Where is my card?,card arrival
Has my card been sent?,card arrival
I want my money back,refund?
"Two lines:
 where's the refund?",refund?
WHERE IS MY CARD?,refund?
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_category_is_one_question_in_many_wordings(tmp_path: Path) -> None:
    card, refund = read_questions_csv(written(tmp_path, FILE))
    assert (card.id, card.wordings) == ("card arrival", ("Where is my card?", "Has my card been sent?"))
    assert (refund.id, refund.wordings) == (
        "refund?",
        ("I want my money back", "Two lines: where's the refund?"),
    )
    assert (card.answer, card.wrong) == ("category_card_arrival", ("category_refund",))
    assert (refund.answer, refund.wrong) == ("category_refund", ("category_card_arrival",))


def test_columns_may_come_in_any_order_with_others_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffid,Category, Text\r\n1,a,One?\r\n2,b,Two?\r\n\r\n")
    assert [(q.id, q.question) for q in read_questions_csv(path)] == [("a", "One?"), ("b", "Two?")]


def test_a_categorys_name_may_be_a_word_of_the_prose_or_part_of_another(tmp_path: Path) -> None:
    path = written(tmp_path, "text,category\nA,because\nB,the wording\nC,card\nD,lost card\n")
    workload = load_workload(WorkloadOptions(), questions=path)
    assert len(catalogue_of(workload)) == 4
    answers = [question.answer for question in workload.questions]
    assert not any(is_right(a, b) for a in answers for b in answers if a != b)


@given(st.lists(st.text("cC#+-_ 2ß.é", min_size=1, max_size=6), min_size=2, max_size=9))
def test_categories_that_differ_in_signs_are_told_apart(names: list[str]) -> None:
    """`c`, `c++` and `c#` were "written alike"."""
    categories = {" ".join(name.split()).casefold(): " ".join(name.split()) for name in names}
    categories.pop("", None)
    assume(len(categories) > 1)
    rows = "".join(f'text {n},"{name}"\n' for n, name in enumerate(categories.values()))
    with TemporaryDirectory() as folder:
        questions = read_questions_csv(written(Path(folder), "text,category\n" + rows))
    assert [question.id for question in questions] == list(categories.values())
    answers = [question.answer for question in questions]
    assert not any(is_right(a, b) for a in answers for b in answers if a != b)
    assert len(set(answers)) == len(answers)


def test_the_categories_of_programming_languages_have_answers_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, "text,category\nA,c\nB,c++\nC,c#\nD,+\n")
    answers = [question.answer for question in read_questions_csv(path)]
    assert answers == ["category_c", "category_c_2", "category_c_3", "category_sign"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "mine.csv line 1: expected labelled questions (CSV with the columns text and category), got ''"),
        ("question,label\na,b\n", "line 1: expected labelled questions"),
        ("text,category\n", "expected texts of at least two categories, got 0"),
        ("text,category\na,b\n", "expected texts of at least two categories, got 1"),
        ("text,category\na,b\nc\n", "line 3, column category: expected some text, got none"),
        ("text,category\n  ,b\n", "line 2, column text: expected some text, got none"),
        (
            "text,category\na,b c\nd,B  C\n",
            "line 3, column category: expected 'b c' written alike, got 'B C'",
        ),
        (f"text,category\n{'a' * 8001},b\n", "column text: expected at most 8,000 characters, got 8,001"),
        (b"text,category\n\xff,b\n", "is not CSV text; expected labelled questions"),
        ('text,category\n"a,b\n', "is not CSV text; expected labelled questions"),
    ],
)
def test_a_file_that_will_not_do_is_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_questions_csv(written(tmp_path, content))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "mine.csv"))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read \(No such file or directory\)"):
        read_questions_csv(tmp_path / "none.csv")


def test_a_scenario_may_name_such_a_file_and_asks_nothing_confusable_of_it(tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    assert load_workload(WorkloadOptions(catalogue="mine.csv"), tmp_path).questions == read_questions_csv(
        path
    )
    confusable = WorkloadOptions(catalogue="questions.jsonl", confusable_share=0.5)
    assert load_workload(confusable, questions=path).options.confusable_share == 0.0


def asks_what_the_mock_knows(workload: Workload, path: Path) -> set[str]:
    write_catalogue(workload, path)
    of_run, of_file = catalogue_of(workload), load_catalogue(path)
    wordings = set()
    for call in make_plan(PoissonArrivals(rate_per_s=20), workload, 7, 60):
        text = call.messages[-1][1]
        known = of_run.question_in(text)
        assert known == of_file.question_in(text)
        assert known is not None
        assert (known.id, known.answer) == (call.question_id, call.expected)
        assert not is_right(text, call.expected)
        wordings.add(text)
    return wordings


def test_the_mock_knows_the_right_answer_of_each_prompt(tmp_path: Path) -> None:
    options = WorkloadOptions(fresh_share=0, notes=False, paraphrase_share=0.5, reply_tokens=40)
    workload = load_workload(options, questions=written(tmp_path, FILE))
    assert len(asks_what_the_mock_knows(workload, tmp_path / "answers.ndjson")) == 4


@pytest.mark.skipif(not BANKING.exists(), reason="the public data set is not at hand (../shared/data)")
def test_a_public_set_of_intents_is_read_and_asked(tmp_path: Path) -> None:
    options = WorkloadOptions(fresh_share=0, notes=False, paraphrase_share=1, zipf_s=0.5, reply_tokens=40)
    workload = load_workload(options, questions=BANKING)
    assert len(workload.questions) == 77
    assert sum(len(question.wordings) for question in workload.questions) == 9_999
    assert len(asks_what_the_mock_knows(workload, tmp_path / "answers.ndjson")) > 1_000
