"""Generates the text of a reply: a right, wrong or invented answer, then filler, of an exact length.

The last user message controls it: a line `Question: <text>` asks a question of the catalogue, the words
`in about N tokens` set the length (0: an empty reply), and `in many scripts` selects filler of several
alphabets, accents and emoji. A system prompt with the word `concise` or `concisely` shortens the reply,
however its length was set, and costs accuracy. A final assistant message is the beginning of the reply: the
reply continues it without repeating or skipping a word. A reply calls tools as `tool_choice.tools_to_call`
decides, and is JSON where the request has a schema. It may begin with reasoning.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ..exchange import tokens
from ..exchange.draws import Draws
from ..exchange.request import Request, Tool
from ..plan import Answer, Finish
from .json_replies import contains_sentence, json_reply
from .options import Accuracy, ReplyLength
from .prose import Prose, filler, plain_prose, unicode_prose
from .questions import Catalogue, Question, last_match
from .tool_choice import tools_to_call
from .tools import arguments_of

_LENGTH = re.compile(r"\bin about (\d{1,6}) tokens\b", re.IGNORECASE)
_CONCISE = re.compile(r"\b[Cc]oncise(?:ly)?\b")
_SCRIPTS = re.compile(r"\b(in many scripts)\b", re.IGNORECASE)
_SYLLABLES = ("ba", "dro", "fe", "gli", "ka", "lor", "mi", "nex", "pu", "quo", "rin", "sta", "ves", "zu")


class GeneratedBlock(NamedTuple):
    """One content block of a choice; the text of a tool call is its arguments as JSON, or any text.

    `name`: of the tool; of reasoning, the field for it in OpenAI's protocol.
    """

    kind: Literal["text", "tool", "reasoning"]
    text: str
    name: str = ""


class GeneratedChoice(NamedTuple):
    """One choice: its blocks, its finish reason, and whether its answer is right."""

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
    """One choice of at most `cap` tokens; `draws` are the reply's own.

    `quality` multiplies the accuracy (default 1).
    """
    allowed = cap if request.max_tokens is None else min(cap, request.max_tokens)
    thought = _thought(min(request.thought_tokens, allowed), draws)
    left = allowed - tokens.count(thought)
    choice = _answer_or_calls(request, catalogue, accuracy, length, left, draws, quality)
    return _after_thought(thought, choice) if thought else choice


def _thought(count: int, draws: Draws) -> str:
    """Reasoning of `count` tokens."""
    return filler(count * tokens.CHARS_PER_TOKEN, draws.uniform("thought")) if count else ""


def _after_thought(thought: str, choice: GeneratedChoice) -> GeneratedChoice:
    """The same choice after reasoning; words of which no token was left are not there at all."""
    rest = [block for block in choice.blocks if block.text or choice.finish != "length"]
    reasoning = GeneratedBlock("reasoning", thought, "reasoning_content")
    return choice._replace(blocks=(reasoning, *rest))


def _answer_or_calls(
    request: Request,
    catalogue: Catalogue,
    accuracy: Accuracy,
    length: ReplyLength,
    allowed: int,
    draws: Draws,
    quality: float,
) -> GeneratedChoice:
    """All but the reasoning, of at most `allowed` tokens."""
    if tools := tools_to_call(request, draws):
        return _tool_calls(tools, allowed, draws)
    question = catalogue.question_in(request.last_user_text)
    if _asks_to_be_concise(request):
        quality *= accuracy.concise
    opening, answer = _opening(question, accuracy, quality, draws)
    if request.json_schema is not None:
        wanted = min(_wanted_tokens(request, length, draws), allowed + 1)
        text, answer = _json_text(
            request, request.json_schema, _candidates(question, opening, answer), wanted
        )
    else:
        text, answer = _prose_text(request, question, opening, answer, allowed, length, draws)
    return ended(text, answer, request.stop, allowed)


def ended(text: str, answer: Answer, stops: tuple[str, ...], allowed: int) -> GeneratedChoice:
    """The text up to its first stop sequence, or to `allowed` tokens."""
    for at, sequence in sorted((text.find(stop), stop) for stop in stops):
        if 0 <= at <= allowed * tokens.CHARS_PER_TOKEN - len(sequence):
            return GeneratedChoice(_text_block(text[:at]), "stop_sequence", sequence, answer)
    if tokens.count(text) > allowed:
        return GeneratedChoice(_text_block(tokens.cut(text, allowed)), "length", None, answer)
    return GeneratedChoice(_text_block(text), "stop", None, answer)


def _tool_calls(tools: tuple[Tool, ...], allowed: int, draws: Draws) -> GeneratedChoice:
    """Calls of these tools, cut at `allowed` tokens."""
    blocks: list[GeneratedBlock] = []
    for tool in tools:
        text = tokens.cut(arguments := arguments_of(tool, draws), allowed)
        allowed -= tokens.count(text)
        if text:
            blocks.append(GeneratedBlock("tool", text, tool.name))
        if text != arguments:
            return GeneratedChoice(tuple(blocks), "length", None, "generated")
    return GeneratedChoice(tuple(blocks), "tool_use", None, "generated")


def _json_text(
    request: Request, schema: Mapping[str, Any], candidates: list[tuple[str, Answer]], wanted: int
) -> tuple[str, Answer]:
    """JSON with the first candidate that fits the given beginning of the reply, else the first."""
    begun = request.prefill
    texts = (
        (json_reply(request, schema, sentence, wanted), sentence, judged) for sentence, judged in candidates
    )
    tried = list(texts) if begun else [next(texts)]
    text, sentence, judged = next((each for each in tried if each[0].startswith(begun)), tried[0])
    return text.removeprefix(begun), judged if contains_sentence(text, sentence) else "generated"


def _prose_text(
    request: Request,
    question: Question | None,
    opening: str,
    answer: Answer,
    allowed: int,
    length: ReplyLength,
    draws: Draws,
) -> tuple[str, Answer]:
    """The answer and then filler; at most one token more than `allowed`."""
    user_text, begun = request.last_user_text, request.prefill
    wanted = max(_wanted_tokens(request, length, draws), tokens.count(opening), request.min_tokens)
    if begun:
        opening, answer = _rest_of_opening(begun, question, opening, answer)
        wanted = max(wanted - tokens.count(begun), tokens.count(opening), 1)
    prose = unicode_prose() if last_match(_SCRIPTS, user_text) else plain_prose()
    return _fill(min(wanted, allowed + 1), opening, begun, prose, draws.uniform("filler")), answer


def _text_block(text: str) -> tuple[GeneratedBlock, ...]:
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
    """An invented name."""
    syllables = draws.rng("invented").choices(_SYLLABLES, k=4)
    return "".join(syllables).capitalize()


def _rest_of_opening(
    begun: str, question: Question | None, opening: str, answer: Answer
) -> tuple[str, Answer]:
    """The rest of the answer that the reply began with, preferably the drawn one, and its correctness."""
    if question is None:
        return "", answer
    for sentence, judged in _candidates(question, opening, answer):
        if sentence.startswith(begun):
            return sentence[len(begun) :], judged
        if begun.startswith(sentence):
            return "", judged
    return "", "hallucinated"


def _candidates(question: Question | None, opening: str, answer: Answer) -> list[tuple[str, Answer]]:
    """All possible answer sentences, the drawn one first."""
    if question is None:
        return [(opening, answer)]
    answers: list[tuple[str, Answer]] = [(question.answer, "right")]
    answers += [(wrong, "wrong") for wrong in question.wrong]
    other = [(_sentence(text, unsure=unsure), judged) for unsure in (False, True) for text, judged in answers]
    return [(opening, answer), *other]


def _wanted_tokens(request: Request, length: ReplyLength, draws: Draws) -> int:
    requested = last_match(_LENGTH, request.last_user_text)
    wanted = length.draw(draws.rng("length")) if requested is None else int(requested)
    return math.ceil(wanted * length.concise) if _asks_to_be_concise(request) else wanted


def _asks_to_be_concise(request: Request) -> bool:
    """Whether a system prompt asks to be concise. The substring test first is faster than the pattern."""
    prompts = (message.text for message in request.messages if message.role == "system")
    return any("oncise" in text and _CONCISE.search(text) is not None for text in prompts)


def _fill(length: int, opening: str, begun: str, prose: Prose, draw: float) -> str:
    """`opening` and then prose: a text of exactly `length` tokens that ends in a full stop.

    Without an opening the prose continues where `begun` ends.
    """
    resume_at = prose.after(begun) if begun and not opening else None
    text = f"{opening} " if opening else ""
    if resume_at is None and not opening and begun and not begun.endswith(" "):
        text = " "
    room = length * tokens.CHARS_PER_TOKEN - len(text) - 1
    if room < 2:
        return opening
    at = prose.start(draw) if resume_at is None else resume_at
    # A sentence's end is at most two characters (". "), so the last token keeps at least one.
    return f"{text}{prose.slice(at, room).rstrip(' .,;')}."
