"""A concise reply is shorter and slightly less often right."""

import pytest

from mock_providers import Catalogue, Question
from mock_providers.content.answers import GeneratedChoice, generate
from mock_providers.content.options import Accuracy, ReplyLength
from mock_providers.exchange import tokens
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.request import Message, Request

CAPITAL = Question(
    id="q1", question="What is the capital?", answer="Paris", wrong=("Lyon", "Nice"), difficulty="easy"
)
ONE = Catalogue([CAPITAL])
ACCURACY = Accuracy(easy=0.8, medium=0.8, hard=0.8, concise=0.5)
PROMPT = "Question: What is the capital?\nAnswer in about 200 tokens."
USUAL = ReplyLength()


def ask(system: str, text: str = PROMPT, seed: int = 0, length: ReplyLength = USUAL) -> GeneratedChoice:
    request = Request("m", (Message.of("system", system), Message.of("user", text)), "d" * 16)
    return generate(request, ONE, ACCURACY, length, 10_000, Draws(seed))


def length_of(choice: GeneratedChoice) -> int:
    return tokens.count(choice.blocks[0].text)


@pytest.mark.parametrize("system", ["Be kind. Answer concisely.", "Concise answers only, please."])
def test_the_length_that_the_prompt_names_is_shortened(system: str) -> None:
    assert length_of(ask(system)) == 103  # 200 x 0.513, rounded up


def test_a_drawn_length_is_shortened_by_the_share_of_the_profile() -> None:
    half = ReplyLength(concise=0.5)
    for seed in range(50):
        long = length_of(ask("Be kind.", "Hello", seed, half))
        assert length_of(ask("Answer concisely.", "Hello", seed, half)) == -(-long // 2)


@pytest.mark.parametrize("system", ["Be kind.", "Mind the conciseness of others.", "Be brief."])
def test_other_words_shorten_nothing(system: str) -> None:
    assert length_of(ask(system)) == 200


def test_only_a_system_prompt_shortens() -> None:
    assert length_of(ask("Be kind.", f"Be concise. {PROMPT}")) == 200


def test_the_accuracy_is_what_the_profile_leaves_of_it() -> None:
    right = [ask("Answer concisely.", seed=seed).answer == "right" for seed in range(5_000)]
    assert sum(right) / 5_000 == pytest.approx(0.4, abs=0.02)
