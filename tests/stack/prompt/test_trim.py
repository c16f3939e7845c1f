"""A trimmed system prompt keeps every sentence, once."""

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.request import Message
from harness.stack.prompt.trim import trim, trimmed

SENTENCES = (
    "Answer the question first.",
    "answer  the question FIRST.",
    "Say so when you are not sure.",
    "Never promise a date.",
    "Yes.",
    "No.",
    "- a list item that is long",
    "  indented, long enough to count",
    "```",
    "",
    "   ",
    "\t",
)
PROMPTS = st.lists(st.sampled_from(SENTENCES), max_size=14).flatmap(
    lambda parts: st.lists(
        st.sampled_from([" ", "\n", "\n\n", "\n\n\n", "  "]), min_size=len(parts), max_size=len(parts)
    ).map(lambda gaps: "".join(part + gap for part, gap in zip(parts, gaps, strict=True)))
)


def test_repeated_paragraphs_go_whatever_their_case_and_spacing() -> None:
    text = "Be kind to the customer.\n\nNever promise a date.\n\n\nbe kind  to the customer.\n"
    assert trim(text) == "Be kind to the customer.\n\nNever promise a date."


def test_repeated_sentences_go_from_within_paragraphs() -> None:
    text = "Be kind to the customer. Never promise a date.\n\nGreet by name. Never promise a date. Sign."
    assert trim(text) == "Be kind to the customer. Never promise a date.\n\nGreet by name. Sign."


def test_short_repetitions_stay() -> None:
    assert trim("Yes. Go on.\n\nNo. Go on.") == "Yes. Go on.\n\nNo. Go on."


def test_what_stands_between_fences_is_untouched() -> None:
    code = "```python\nx  =  1\n\n\nx  =  1\n    print('print the value of x')\n```"
    assert trim(f"Run   this:\n{code}\n\n\nRun   that:\n{code}") == (
        f"Run this:\n\n{code}\n\nRun that:\n\n{code}"
    )


def test_indentation_says_what_belongs_to_what_and_stays() -> None:
    text = "Steps to follow, in order:\n  1. first of all, greet\n    a. by name, if it is known"
    assert trim(text) == text


def test_a_later_system_prompt_does_not_repeat_an_earlier_one() -> None:
    messages = (
        Message("system", "Be kind to the customer."),
        Message("user", "Be kind to the customer."),
        Message("system", "Be kind to the customer.  "),
    )
    assert trimmed(messages) == messages[:2]


def test_a_prompt_without_repetitions_is_the_same_object() -> None:
    messages = (Message("system", "Be kind to the customer."), Message("user", "hello  hello"))
    assert all(a is b for a, b in zip(trimmed(messages), messages, strict=True))


@given(PROMPTS)
def test_trimming_twice_is_trimming_once(text: str) -> None:
    assert trim(trim(text)) == trim(text)


@given(st.text(alphabet="ab.! \n\t`", max_size=80), st.integers(1, 8))
def test_trimming_any_text_twice_is_trimming_it_once(text: str, min_chars: int) -> None:
    assert trim(trim(text, min_chars), min_chars) == trim(text, min_chars)


@given(PROMPTS)
def test_trimming_loses_no_sentence_and_adds_none(text: str) -> None:
    def words(said: str) -> set[str]:
        return set(said.casefold().split())

    assert words(trim(text)) == words(text)
    assert len(trim(text)) <= len(text) + 2 * text.count("```")


@given(PROMPTS, PROMPTS)
def test_a_prompt_that_goes_on_begins_as_before(text: str, more: str) -> None:
    """A fence that is open goes on, too."""
    assert trim(f"{text}\n\n{more}").startswith(trim(text))
