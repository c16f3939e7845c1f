"""Text and length of generated replies."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Catalogue, CatalogueError, Question, load_catalogue
from mock_providers.content.answers import GeneratedChoice, generate
from mock_providers.content.options import Accuracy, ReplyLength
from mock_providers.content.prose import filler, vocabulary
from mock_providers.exchange import tokens
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.request import Message, Request

ALWAYS = Accuracy(easy=1.0, medium=1.0, hard=1.0)
NEVER = Accuracy(easy=0.0, medium=0.0, hard=0.0, hallucinated=0.0)
CAPITAL = Question(
    id="q1",
    question="What is the capital of France?",
    answer="Paris",
    wrong=("Lyon", "Nice"),
    difficulty="easy",
)
ONE = Catalogue([CAPITAL])


def ask(
    text: str,
    *,
    accuracy: Accuracy = ALWAYS,
    max_tokens: int | None = None,
    cap: int = 10_000,
    stop: tuple[str, ...] = (),
    catalogue: Catalogue = ONE,
    seed: int = 0,
) -> GeneratedChoice:
    request = Request(
        "m", (Message.of("system", "Be kind."), Message.of("user", text)), "d" * 16, max_tokens, stop
    )
    return generate(request, catalogue, accuracy, ReplyLength(), cap, Draws(seed))


def test_a_right_reply_says_the_answer_first() -> None:
    choice = ask("Some context.\nQuestion: What is the capital of France?\nAnswer in about 50 tokens.")
    assert choice.blocks[0].text.startswith("The answer is Paris. ")
    assert (choice.answer, choice.finish) == ("right", "stop")


def test_a_wrong_reply_says_one_of_the_wrong_answers_first() -> None:
    choices = [
        ask("Question: What is the capital of France?", accuracy=NEVER, seed=seed) for seed in range(40)
    ]
    first_words = {choice.blocks[0].text.split(".")[0] for choice in choices}
    assert first_words == {"The answer is Lyon", "The answer is Nice"}
    assert {choice.answer for choice in choices} == {"wrong"}


def test_the_share_of_right_answers_is_the_accuracy_of_the_difficulty() -> None:
    accuracy = Accuracy(easy=0.7, medium=0.0, hard=0.0)
    right = [
        ask("Question: What is the capital of France?", accuracy=accuracy, seed=seed)
        for seed in range(10_000)
    ]
    assert sum(choice.answer == "right" for choice in right) / 10_000 == pytest.approx(0.7, abs=0.02)


def test_the_last_question_line_counts() -> None:
    choice = ask("Question: What is nothing?\nQuestion: What is the capital of France? ")
    assert choice.answer == "right"


def test_a_prompt_from_outside_the_catalogue_gets_prose() -> None:
    assert ask("Question: What is nothing?").answer == "generated"
    assert ask("Hello").answer == "generated"


@given(st.integers(1, 9000), st.booleans(), st.integers(0, 1000))
def test_a_reply_is_exactly_as_long_as_it_was_told(told: int, from_catalogue: bool, seed: int) -> None:
    question = "Question: What is the capital of France?\n" if from_catalogue else ""
    choice = ask(f"{question}Answer in about {told} tokens.", seed=seed)
    needed = tokens.count("The answer is Paris.") if from_catalogue else 1
    assert tokens.count(choice.blocks[0].text) == max(told, needed)
    assert choice.blocks[0].text.endswith(".")
    assert choice.finish == "stop"


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_a_reply_stops_at_max_tokens_and_at_the_models_cap(told: int, max_tokens: int, cap: int) -> None:
    choice = ask(f"in about {told} tokens", max_tokens=max_tokens, cap=cap)
    assert tokens.count(choice.blocks[0].text) == min(told, max_tokens, cap)
    assert choice.finish == ("length" if told > min(max_tokens, cap) else "stop")


def test_a_stop_sequence_ends_the_reply_before_it() -> None:
    whole = ask("Question: What is the capital of France?\nin about 60 tokens").blocks[0].text
    choice = ask(
        "Question: What is the capital of France?\nin about 60 tokens", stop=("zebra", "Paris", "answer")
    )
    assert (choice.blocks[0].text, choice.finish, choice.stop_sequence) == ("The ", "stop_sequence", "answer")
    assert whole.startswith(choice.blocks[0].text)


def test_a_stop_sequence_beyond_max_tokens_does_not_count() -> None:
    choice = ask(
        "Question: What is the capital of France?\nin about 60 tokens", stop=("Paris",), max_tokens=4
    )
    assert (choice.blocks[0].text, choice.finish) == ("The answer is Pa", "length")


def test_lengths_that_are_not_told_follow_the_profiles_distribution() -> None:
    lengths = sorted(tokens.count(ask("Hi", seed=seed).blocks[0].text) for seed in range(3000))
    assert lengths[1500] == pytest.approx(151, rel=0.06)  # exp(5.02)


def test_the_same_draws_say_the_same() -> None:
    assert ask("Hi", seed=4) == ask("Hi", seed=4)
    assert ask("Hi", seed=4) != ask("Hi", seed=5)


@given(st.integers(0, 200_000), st.floats(0, 1, exclude_max=True))
def test_filler_has_the_length_asked_for_and_no_digit_or_name(chars: int, draw: float) -> None:
    text = filler(chars, draw)
    assert len(text) == chars
    assert not re.search(r"\d", text)
    inside_a_sentence = re.findall(r"(?<=[a-z,] )[A-Z]\w*", text)
    assert inside_a_sentence == []


@pytest.mark.parametrize("answer", ["the reasoning", "Wording", "balance"])
def test_an_answer_that_filler_could_contain_is_refused(answer: str) -> None:
    with pytest.raises(CatalogueError, match="filler"):
        Catalogue([CAPITAL.model_copy(update={"answer": answer})])
    assert answer.lower() in vocabulary().lower()


def test_a_catalogue_is_read_from_json_lines_and_may_have_keys_for_others(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    file.write_text(
        '{"id":"a","question":"Q?","answer":"Ada","wrong":["Bo"],"difficulty":"hard","topic":"t"}\n\n',
        encoding="utf-8",
    )
    loaded = load_catalogue(file)
    assert len(loaded) == 1
    assert loaded.question_in("Question: Q?") is not None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "line 1: invalid JSON"),
        ('{"id":"a","question":"Q?","answer":"A","wrong":[],"difficulty":"hard"}', "line 1: wrong:"),
        ('{"id":"a","question":"Q?","answer":"A","wrong":["B"],"difficulty":"odd"}', "line 1: difficulty:"),
        ('{"id":"a","question":"Q?","wrong":["B"],"difficulty":"hard"}', "line 1: answer: required"),
        (None, "expected a readable file"),
    ],
)
def test_a_bad_catalogue_is_refused_in_one_line_that_names_the_file(
    tmp_path: Path, line: str | None, expected: str
) -> None:
    file = tmp_path / "c.jsonl"
    if line is not None:
        file.write_text(line, encoding="utf-8")
    with pytest.raises(CatalogueError, match=re.escape(expected)) as refused:
        load_catalogue(file)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


@given(st.text(max_size=300))
def test_tokens_are_four_characters_rounded_up(text: str) -> None:
    count = tokens.count(text)
    assert 4 * count - 3 <= len(text) <= 4 * count or (count == 0 and text == "")
    assert "".join(text[4 * n : 4 * n + 4] for n in range(count)) == text


def test_prompts_count_four_more_a_message_and_three_more_a_request() -> None:
    assert tokens.count_prompt(["", "12345"]) == 3 + 4 + (4 + 2)


def test_a_question_given_twice_is_refused() -> None:
    with pytest.raises(CatalogueError, match="again"):
        Catalogue([CAPITAL, CAPITAL.model_copy(update={"id": "q2"})])
