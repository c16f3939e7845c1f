"""Prompts: exactly as long as wanted, with the two lines that carry question and length."""

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.load.workload.prompt import Prompt, count_tokens, make_prompt
from harness.load.workload.prose import filler

keys = st.integers(0, 2**64 - 1)
texts = st.text(st.characters(codec="ascii", categories=("L", "N", "Zs")), max_size=80)


@given(texts, texts, st.integers(0, 9_000), st.integers(1, 2_000), keys)
def test_a_prompt_counts_the_wanted_tokens_or_has_no_filler(
    system: str, question: str, wanted: int, output_tokens: int, key: int
) -> None:
    prompt = make_prompt(system, question, wanted, output_tokens, key)
    bare = count_tokens(Prompt(system, question, output_tokens).messages)
    assert count_tokens(prompt.messages) == prompt.input_tokens == max(wanted, bare)
    assert (prompt.filler_chars == 0) == (wanted <= bare)


@given(texts, st.integers(200, 2_000), keys)
def test_a_filled_message_ends_on_a_whole_token_so_that_rounding_does_not_matter(
    question: str, wanted: int, key: int
) -> None:
    *_, (_, content) = make_prompt("Be brief.", question, wanted, 50, key).messages
    assert len(content) % 4 == 0


def test_tokens_are_counted_by_message_and_request() -> None:
    assert count_tokens((("system", "12345"), ("user", "1234"))) == (2 + 4) + (1 + 4) + 3


@given(texts, st.integers(0, 2_000), st.integers(1, 2_000), keys)
def test_the_last_lines_carry_the_question_and_the_length_and_no_other_line_does(
    question: str, wanted: int, output_tokens: int, key: int
) -> None:
    *_, (role, content) = make_prompt("Be brief.", question, wanted, output_tokens, key).messages
    assert role == "user"
    assert content.split("\n")[-2:] == [f"Question: {question}", f"Answer in about {output_tokens} tokens."]
    assert len(re.findall(r"^\s*Question:", content, re.MULTILINE)) == 1
    assert content.removesuffix(f"Answer in about {output_tokens} tokens.").count(
        "in about"
    ) == question.count("in about")


def test_a_short_prompt_is_the_question_alone() -> None:
    assert make_prompt("", "Why?", 1, 7, 3).messages == (
        ("user", "Question: Why?\nAnswer in about 7 tokens."),
    )


def test_an_empty_system_prompt_sends_no_system_message() -> None:
    assert [role for role, _ in make_prompt("", "Why?", 100, 7, 3).messages] == ["user"]
    assert [role for role, _ in make_prompt("Be kind.", "Why?", 100, 7, 3).messages] == ["system", "user"]


@given(keys, st.one_of(st.integers(0, 100), st.integers(0, 600_000)))
def test_filler_has_exactly_the_length_asked_for(key: int, chars: int) -> None:
    assert len(filler(key, chars)) == chars


def test_no_filler_holds_a_mark_of_the_prompt_or_a_line_break() -> None:
    prose = filler(0, 400_000)
    assert "\n" not in prose
    assert "question" not in prose.lower()
    assert "about" not in prose.lower()


@given(keys, keys)
def test_fillers_of_different_keys_share_no_prefix_worth_caching(one: int, other: int) -> None:
    a, b = filler(one, 8_000), filler(other, 8_000)
    assert (a == b) == (one == other)
    assert (a[:40] == b[:40]) == (one == other)


def test_filler_starts_at_a_sentence_for_every_key_even_at_the_ends_of_the_tape() -> None:
    starts = [filler(key, 200).split(". ", 1)[1] for key in [*range(200), *range(2**17 - 100, 2**17 + 200)]]
    assert all(start[0].isupper() for start in starts)
