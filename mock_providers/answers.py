"""What a reply says: the right answer or a wrong one, then filler, to an exact length.

A catalogue is JSON lines, one question each: `{"id": "q1", "question": "...", "answer": "...",
"wrong": ["...", ...], "difficulty": "easy" | "medium" | "hard"}`; other keys are for other readers.
A prompt asks one of them by a line `Question: <text>` in its last user message (the last such line counts).
"""

import math
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import tokens
from .draws import Draws
from .filler import filler, vocabulary
from .latency import Options
from .plan import Answer, Finish
from .request import Request
from .validation import one_line

Difficulty = Literal["easy", "medium", "hard"]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")]
Share = Annotated[float, Field(ge=0, le=1)]

_QUESTION = re.compile(r"^[ \t]*Question:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_LENGTH = re.compile(r"\bin about (\d{1,6}) tokens\b", re.IGNORECASE)
_TAIL_CHARS = 512


class Accuracy(Options):
    """The share of right answers by difficulty of the question."""

    easy: Share
    medium: Share
    hard: Share


class ReplyLength(Options):
    """Length of a reply whose prompt does not say: lognormal(`mu`, `sigma`) tokens."""

    mu: Annotated[float, Field(ge=0, le=12)] = 5.02
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.86

    def draw(self, rng: random.Random) -> int:
        """Tokens, at least 1."""
        return max(1, round(math.exp(rng.gauss(self.mu, self.sigma))))


class CatalogueError(Exception):
    """A catalogue that cannot be used; one line: file, line, key and what was expected."""


class Question(BaseModel):
    """One question with its right answer and the wrong ones a model may give instead."""

    model_config = ConfigDict(frozen=True, strict=True)

    id: Line
    question: Line
    answer: Line
    wrong: Annotated[tuple[Line, ...], Field(min_length=1)]
    difficulty: Difficulty


class Catalogue:
    """Questions by their text. Refuses one asked twice, and an answer that filler prose could contain."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._by_text: dict[str, Question] = {}
        for question in questions:
            text = question.question.strip()
            if text in self._by_text:
                raise CatalogueError(f"question: expected each once, got {text!r} again")
            if _contains(vocabulary(), question.answer):
                raise CatalogueError(
                    f"answer: expected no phrase of the filler prose, got {question.answer!r}"
                )
            self._by_text[text] = question

    def __len__(self) -> int:
        return len(self._by_text)

    def asked_in(self, text: str) -> Question | None:
        """The question on the last `Question:` line of a message, None when it is not in the catalogue."""
        asked = _last(_QUESTION, text) if self._by_text else None
        return None if asked is None else self._by_text.get(asked)


def load_catalogue(path: str | Path) -> Catalogue:
    """Read a catalogue file; raises CatalogueError."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise CatalogueError(f"{path}: expected a readable file of JSON lines ({reason})") from None
    questions = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                questions.append(Question.model_validate_json(line))
            except ValidationError as error:
                raise CatalogueError(f"{path}: line {number}: {one_line(error)}") from None
    try:
        return Catalogue(questions)
    except CatalogueError as error:
        raise CatalogueError(f"{path}: {error}") from None


class Said(NamedTuple):
    """One content block of a choice; the text of a tool call is its arguments as JSON."""

    kind: Literal["text", "tool"]
    text: str
    name: str = ""


class Saying(NamedTuple):
    """One choice: its blocks, how it came to its end, and whether it is right."""

    said: tuple[Said, ...]
    finish: Finish
    stop_sequence: str | None
    answer: Answer


def say(
    request: Request,
    catalogue: Catalogue,
    accuracy: Accuracy,
    length: ReplyLength,
    cap: int,
    draws: Draws,
    *,
    quality: float = 1.0,
) -> Saying:
    """What the model replies, at most `cap` tokens of it; `draws` are the reply's own."""
    user_text = request.last_user_text
    opening, answer = _opening(catalogue.asked_in(user_text), accuracy, draws)
    wanted = max(_wanted_tokens(user_text, length, draws), tokens.count(opening), 1)
    allowed = cap if request.max_tokens is None else min(cap, request.max_tokens)
    text = _exactly(min(wanted, allowed + 1), opening, draws.uniform("filler"))
    for at, sequence in sorted((text.find(stop), stop) for stop in request.stop):
        if 0 <= at <= allowed * tokens.CHARS_PER_TOKEN - len(sequence):
            return Saying(_plain(text[:at]), "stop_sequence", sequence, answer)
    if wanted > allowed:
        return Saying(_plain(tokens.cut(text, allowed)), "length", None, answer)
    return Saying(_plain(text), "stop", None, answer)


def _plain(text: str) -> tuple[Said, ...]:
    return (Said("text", text),)


def _opening(question: Question | None, accuracy: Accuracy, draws: Draws) -> tuple[str, Answer]:
    if question is None:
        return "", "generated"
    if draws.uniform("answer") < getattr(accuracy, question.difficulty):
        return f"The answer is {question.answer}.", "right"
    wrong = question.wrong[int(draws.uniform("wrong") * len(question.wrong))]
    return f"The answer is {wrong}.", "wrong"


def _wanted_tokens(user_text: str, length: ReplyLength, draws: Draws) -> int:
    told = _last(_LENGTH, user_text)
    return length.draw(draws.rng("length")) if told is None else int(told)


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    """What the pattern's last match holds. Long prompts say such things at their end: look there first."""
    found = pattern.findall(text, max(0, len(text) - _TAIL_CHARS)) or pattern.findall(text)
    return found[-1] if found else None


def _exactly(length: int, opening: str, draw: float) -> str:
    """`opening` and then filler: a text of exactly `length` tokens that ends in a full stop."""
    text = f"{opening} " if opening else ""
    room = length * tokens.CHARS_PER_TOKEN - len(text) - 1
    if room < 2:
        return opening
    # A sentence's end is at most two characters (". "), so the last token keeps at least one.
    return f"{text}{filler(room, draw).rstrip(' .,;')}."


def _contains(text: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.strip())}(?!\w)", text, re.IGNORECASE) is not None
