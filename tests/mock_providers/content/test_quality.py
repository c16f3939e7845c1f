"""Right, wrong and invented answers; quality loss; exact continuation; many scripts; empty replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Catalogue, Question
from mock_providers.content.answers import GeneratedChoice, generate
from mock_providers.content.options import Accuracy, ReplyLength
from mock_providers.content.prose import plain_prose
from mock_providers.exchange import tokens
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.request import Message, Request

CAPITAL = Question(
    id="q1", question="What is the capital?", answer="Paris", wrong=("Lyon", "Nice"), difficulty="easy"
)
ONE = Catalogue([CAPITAL])
HALF = Accuracy(easy=0.5, medium=0.5, hard=0.5, hallucinated=0.4)
PROMPT = "Question: What is the capital?\nAnswer in about 60 tokens."


def ask(
    text: str = PROMPT, *, begun: str = "", seed: int = 0, quality: float = 1.0, accuracy: Accuracy = HALF
) -> GeneratedChoice:
    messages = (Message.of("user", text), *([Message.of("assistant", begun)] if begun else []))
    request = Request("m", messages, "d" * 16)
    return generate(request, ONE, accuracy, ReplyLength(), 10_000, Draws(seed), quality=quality)


def text_of(choice: GeneratedChoice) -> str:
    return choice.blocks[0].text


def test_answers_are_right_wrong_or_invented_in_their_shares() -> None:
    answers = [ask(seed=seed).answer for seed in range(6000)]
    shares = {kind: answers.count(kind) / 6000 for kind in ("right", "wrong", "hallucinated")}
    assert shares == pytest.approx({"right": 0.5, "wrong": 0.3, "hallucinated": 0.2}, abs=0.02)


def test_an_invented_answer_is_none_that_the_catalogue_knows() -> None:
    invented = [text_of(ask(seed=seed)) for seed in range(300) if ask(seed=seed).answer == "hallucinated"]
    assert len(invented) > 30
    assert not any(name in text for text in invented for name in ("Paris", "Lyon", "Nice"))


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_who_is_right_at_a_lower_quality_is_right_at_a_higher(seed: int, one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    if ask(seed=seed, quality=lower).answer == "right":
        assert ask(seed=seed, quality=higher).answer == "right"


def test_quality_is_the_share_of_right_answers_that_is_left() -> None:
    right = sum(ask(seed=seed, quality=0.5).answer == "right" for seed in range(4000))
    assert right / 4000 == pytest.approx(0.25, abs=0.025)


@given(st.integers(0, 50), st.integers(0, 50), st.data())
def test_a_reply_continued_from_any_place_has_no_seam(seed: int, other: int, data: st.DataObject) -> None:
    whole = text_of(ask(seed=seed, accuracy=Accuracy(easy=1.0, medium=1.0, hard=1.0)))
    at = data.draw(st.integers(1, len(whole) - 5))
    continued = ask(begun=whole[:at], seed=other)
    joined = whole[:at] + text_of(continued)
    opening = "The answer is Paris. "
    prose = plain_prose().slice(0, 200_000)
    begun_in_doubt = not whole[:at].startswith("The answer is P")
    if begun_in_doubt:
        opening = joined[: joined.index(". ") + 2]
    assert joined.startswith(opening)
    assert joined[len(opening) :].rstrip(".") in prose
    if not begun_in_doubt:
        assert continued.answer == "right"


def test_a_continuation_is_as_long_as_what_is_missing() -> None:
    whole = text_of(ask())
    rest = text_of(ask(begun=whole[:120]))
    assert tokens.count(rest) == 60 - 30


def test_a_prompt_may_ask_for_nothing() -> None:
    nothing = ask("Hello, in about 0 tokens")
    assert (text_of(nothing), nothing.finish) == ("", "stop")


def test_a_prompt_may_ask_for_many_scripts() -> None:
    text = text_of(ask("Hello, in about 400 tokens, in many scripts."))
    assert tokens.count(text) == 400
    assert len({character for character in text if ord(character) > 0x2000}) > 20
    assert any(ord(character) > 0xFFFF for character in text)


def test_a_reply_may_have_eight_thousand_tokens() -> None:
    assert tokens.count(text_of(ask("Hello, in about 8000 tokens"))) == 8000


CANDID = Accuracy(easy=0.5, medium=0.5, hard=0.5, hallucinated=0.4, unsure_right=0.1, unsure_wrong=0.6)


def test_answers_say_that_they_are_not_sure_in_their_shares() -> None:
    replies = [ask(seed=seed, accuracy=CANDID) for seed in range(6000)]

    def unsure(*kinds: str) -> float:
        texts = [text_of(reply) for reply in replies if reply.answer in kinds]
        return sum(text.startswith("I am not sure, but the answer is ") for text in texts) / len(texts)

    assert unsure("right") == pytest.approx(0.1, abs=0.02)
    assert unsure("wrong", "hallucinated") == pytest.approx(0.6, abs=0.025)


def test_doubts_change_no_answer_and_no_length() -> None:
    for seed in range(200):
        sure, candid = ask(seed=seed), ask(seed=seed, accuracy=CANDID)
        assert sure.answer == candid.answer
        assert tokens.count(text_of(sure)) == tokens.count(text_of(candid))


@given(st.integers(0, 200), st.integers(1, 40))
def test_a_reply_that_began_in_doubt_is_continued_in_doubt(seed: int, at: int) -> None:
    always = Accuracy(easy=1, medium=1, hard=1, unsure_right=1)
    begun = text_of(ask(seed=seed, accuracy=always))[:at]
    rest = ask(seed=seed + 1, begun=begun)
    joined = begun + text_of(rest)
    assert joined.startswith("I am not sure, but the answer is ")
