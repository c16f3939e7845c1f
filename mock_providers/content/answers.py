"""What a reply says: the right answer, a wrong or an invented one, then filler, to an exact length.

A prompt steers it by its last user message: a line `Question: <text>` asks a question of the catalogue, the
words `in about N tokens` set the length (0: an empty reply), and `in many scripts` asks for filler of several
alphabets, accents and emoji. A system prompt with the word `concise` or `concisely` shortens the reply,
whatever set its length, and costs accuracy. A last message of the assistant is the beginning of the reply,
which goes on from there: no word of it is repeated, none is left out. A reply calls tools where `tool_use`
says so, and is JSON where the client wants it.
"""

import math
import random
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from ..exchange import tokens
from ..exchange.draws import Draws
from ..exchange.options import Options
from ..exchange.request import Request, Tool
from ..plan import Answer, Finish
from .json_replies import json_reply, says
from .prose import Prose, plain_prose, unicode_prose
from .questions import Catalogue, CatalogueError, Question, last_match, load_catalogue
from .tools import arguments_of, called

__all__ = [
    "Accuracy",
    "Catalogue",
    "CatalogueError",
    "GeneratedBlock",
    "GeneratedChoice",
    "Question",
    "ReplyLength",
    "generate",
    "load_catalogue",
]

Share = Annotated[float, Field(ge=0, le=1)]

_LENGTH = re.compile(r"\bin about (\d{1,6}) tokens\b", re.IGNORECASE)
_CONCISE = re.compile(r"\b[Cc]oncise(?:ly)?\b")
_SCRIPTS = re.compile(r"\b(in many scripts)\b", re.IGNORECASE)
_SYLLABLES = ("ba", "dro", "fe", "gli", "ka", "lor", "mi", "nex", "pu", "quo", "rin", "sta", "ves", "zu")


class Accuracy(Options):
    """The share of right answers by difficulty of the question.

    `hallucinated`: of the answers that are not right, the share that is invented (default 0.25, our choice);
    the others are wrong answers of the catalogue. `concise`: the share of the accuracy that is left when the
    system prompt asks to be concise (default 0.98, our choice; "negligible" on average in the source that
    `ReplyLength` names, 28 % lost by one model in mathematics). `unsure_right`, `unsure_wrong`: the share of
    the right, and of the other answers, that say they are not sure (default 0).
    """

    easy: Share
    medium: Share
    hard: Share
    hallucinated: Share = 0.25
    concise: Share = 0.98
    unsure_right: Share = 0.0
    unsure_wrong: Share = 0.0

    def unsure(self, answer: Answer) -> float:
        """The share of such answers that say they are not sure."""
        return self.unsure_right if answer == "right" else self.unsure_wrong


class ReplyLength(Options):
    """Length of a reply whose prompt does not say: lognormal(`mu`, `sigma`) tokens.

    `concise`: the share of any length that is left when the system prompt asks to be concise (default 0.513:
    48.70 % shorter, Renze and Guven 2024, arXiv 2401.05618, GPT-3.5 and GPT-4).
    """

    mu: Annotated[float, Field(ge=0, le=12)] = 5.02
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.86
    concise: Share = 0.513

    def draw(self, rng: random.Random) -> int:
        """Tokens, at least 1."""
        return max(1, round(math.exp(rng.gauss(self.mu, self.sigma))))


class GeneratedBlock(NamedTuple):
    """One content block of a choice; the text of a tool call is its arguments as JSON."""

    kind: Literal["text", "tool"]
    text: str
    name: str = ""


class GeneratedChoice(NamedTuple):
    """One choice: its blocks, how it came to its end, and whether it is right."""

    blocks: tuple[GeneratedBlock, ...]
    finish: Finish
    stop_sequence: str | None
    answer: Answer


def generate(
    request: Request,
    catalogue: Catalogue,
    accuracy: Accuracy,
    length: ReplyLength,
    cap: int,
    draws: Draws,
    *,
    quality: float = 1.0,
) -> GeneratedChoice:
    """What the model replies, at most `cap` tokens of it; `draws` are the reply's own.

    `quality` is the share of the accuracy that is left.
    """
    allowed = cap if request.max_tokens is None else min(cap, request.max_tokens)
    if tools := called(request, draws):
        return _calling(tools, allowed, draws)
    question = catalogue.asked_in(request.last_user_text)
    if _concisely(request):
        quality *= accuracy.concise
    opening, answer = _opening(question, accuracy, quality, draws)
    if request.json_schema is not None:
        wanted = min(_wanted_tokens(request, length, draws), allowed + 1)
        text, answer = _in_json(request, request.json_schema, _candidates(question, opening, answer), wanted)
    else:
        text, answer = _in_words(request, question, opening, answer, allowed, length, draws)
    for at, sequence in sorted((text.find(stop), stop) for stop in request.stop):
        if 0 <= at <= allowed * tokens.CHARS_PER_TOKEN - len(sequence):
            return GeneratedChoice(_plain(text[:at]), "stop_sequence", sequence, answer)
    if tokens.count(text) > allowed:
        return GeneratedChoice(_plain(tokens.cut(text, allowed)), "length", None, answer)
    return GeneratedChoice(_plain(text), "stop", None, answer)


def _calling(tools: tuple[Tool, ...], allowed: int, draws: Draws) -> GeneratedChoice:
    """Calls of these tools; what does not fit into `allowed` tokens is cut."""
    blocks: list[GeneratedBlock] = []
    for tool in tools:
        text = tokens.cut(arguments := arguments_of(tool, draws), allowed)
        allowed -= tokens.count(text)
        if text:
            blocks.append(GeneratedBlock("tool", text, tool.name))
        if text != arguments:
            return GeneratedChoice(tuple(blocks), "length", None, "generated")
    return GeneratedChoice(tuple(blocks), "tool_use", None, "generated")


def _in_json(
    request: Request, schema: Mapping[str, Any], candidates: list[tuple[str, Answer]], wanted: int
) -> tuple[str, Answer]:
    """JSON that says the first candidate which the reply may have begun with, else the first of all."""
    begun = request.prefill
    texts = (
        (json_reply(request, schema, sentence, wanted), sentence, judged) for sentence, judged in candidates
    )
    tried = list(texts) if begun else [next(texts)]
    text, sentence, judged = next((each for each in tried if each[0].startswith(begun)), tried[0])
    return text.removeprefix(begun), judged if says(text, sentence) else "generated"


def _in_words(
    request: Request,
    question: Question | None,
    opening: str,
    answer: Answer,
    allowed: int,
    length: ReplyLength,
    draws: Draws,
) -> tuple[str, Answer]:
    """The answer and then filler; at most one token more than is allowed."""
    user_text, begun = request.last_user_text, request.prefill
    wanted = max(_wanted_tokens(request, length, draws), tokens.count(opening))
    if begun:
        opening, answer = _rest_of_opening(begun, question, opening, answer)
        wanted = max(wanted - tokens.count(begun), tokens.count(opening), 1)
    prose = unicode_prose() if last_match(_SCRIPTS, user_text) else plain_prose()
    return _exactly(min(wanted, allowed + 1), opening, begun, prose, draws.uniform("filler")), answer


def _plain(text: str) -> tuple[GeneratedBlock, ...]:
    return (GeneratedBlock("text", text),)


def _opening(
    question: Question | None, accuracy: Accuracy, quality: float, draws: Draws
) -> tuple[str, Answer]:
    if question is None:
        return "", "generated"
    text, answer = _drawn(question, accuracy, quality, draws)
    return _sentence(text, unsure=draws.uniform("unsure") < accuracy.unsure(answer)), answer


def _drawn(question: Question, accuracy: Accuracy, quality: float, draws: Draws) -> tuple[str, Answer]:
    if draws.uniform("answer") < getattr(accuracy, question.difficulty) * quality:
        return question.answer, "right"
    if draws.uniform("hallucinated") < accuracy.hallucinated:
        return _invented(draws), "hallucinated"
    return question.wrong[int(draws.uniform("wrong") * len(question.wrong))], "wrong"


def _sentence(answer: str, *, unsure: bool = False) -> str:
    return f"I am not sure, but the answer is {answer}." if unsure else f"The answer is {answer}."


def _invented(draws: Draws) -> str:
    """A name that nothing has."""
    syllables = draws.rng("invented").choices(_SYLLABLES, k=4)
    return "".join(syllables).capitalize()


def _rest_of_opening(
    begun: str, question: Question | None, opening: str, answer: Answer
) -> tuple[str, Answer]:
    """What is missing of the answer that the reply has begun with: the drawn one, if it has begun so."""
    if question is None:
        return "", answer
    for sentence, judged in _candidates(question, opening, answer):
        if sentence.startswith(begun):
            return sentence[len(begun) :], judged
        if begun.startswith(sentence):
            return "", judged
    return "", "hallucinated"


def _candidates(question: Question | None, opening: str, answer: Answer) -> list[tuple[str, Answer]]:
    """What the answer's sentence may be, the drawn one first."""
    if question is None:
        return [(opening, answer)]
    answers: list[tuple[str, Answer]] = [(question.answer, "right")]
    answers += [(wrong, "wrong") for wrong in question.wrong]
    other = [(_sentence(text, unsure=unsure), judged) for unsure in (False, True) for text, judged in answers]
    return [(opening, answer), *other]


def _wanted_tokens(request: Request, length: ReplyLength, draws: Draws) -> int:
    requested = last_match(_LENGTH, request.last_user_text)
    wanted = length.draw(draws.rng("length")) if requested is None else int(requested)
    return math.ceil(wanted * length.concise) if _concisely(request) else wanted


def _concisely(request: Request) -> bool:
    """Whether a system prompt asks to be concise. The search for part of the word is the quick one."""
    prompts = (message.text for message in request.messages if message.role == "system")
    return any("oncise" in text and _CONCISE.search(text) is not None for text in prompts)


def _exactly(length: int, opening: str, begun: str, prose: Prose, draw: float) -> str:
    """`opening` and then prose: a text of exactly `length` tokens that ends in a full stop.

    After `begun` alone the prose goes on where that leaves off.
    """
    goes_on = prose.after(begun) if begun and not opening else None
    text = f"{opening} " if opening else ""
    if goes_on is None and not opening and begun and not begun.endswith(" "):
        text = " "
    room = length * tokens.CHARS_PER_TOKEN - len(text) - 1
    if room < 2:
        return opening
    at = prose.start(draw) if goes_on is None else goes_on
    # A sentence's end is at most two characters (". "), so the last token keeps at least one.
    return f"{text}{prose.slice(at, room).rstrip(' .,;')}."
