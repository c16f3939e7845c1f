"""The questions of a workload with their right answers, and the check of a reply.

A catalogue is NDJSON, one question per line:
`{"id": "q001", "question": "...", "answer": "...", "wrong": ["..."], "difficulty": "easy", "topic": "..."}`,
optionally with `"paraphrases": ["...", ...]` (other wordings) and `"group": "..."` (questions of one group
look alike and have different answers).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from harness.errors import InputError

from ...stack.config.options import first_complaint
from ..strict import StrictModel

Difficulty = Literal["easy", "medium", "hard"]


def _one_line(text: str) -> str:
    if text.splitlines() != [text.strip()]:
        raise ValueError("expected one line of text without blanks around it")
    return text


Line = Annotated[str, Field(max_length=8_000), AfterValidator(_one_line)]


class Question(StrictModel):
    """One question. Each text is one line; no wrong answer may contain the right one, nor the reverse.

    `paraphrases`: the same question in other words (default none). `group`: questions of one group are easily
    confused and have different answers (default: no group).
    """

    id: Line
    question: Line
    answer: Line
    wrong: Annotated[tuple[Line, ...], Field(min_length=1)]
    difficulty: Difficulty
    topic: Line
    paraphrases: tuple[Line, ...] = ()
    group: Line | None = None

    @property
    def wordings(self) -> tuple[str, ...]:
        """Every text of the question, the original first."""
        return (self.question, *self.paraphrases)

    @field_validator("wrong", mode="after")
    @classmethod
    def _wrong_answers_differ(cls, wrong: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        answer = info.data.get("answer")
        if answer is not None:
            for other in wrong:
                if is_right(other, answer) or is_right(answer, other):
                    raise ValueError(f'expected wrong answers apart from "{answer}", got "{other}"')
        return wrong


def is_right(text: str, answer: str) -> bool:
    """Whether the text contains the answer as whole words, ignoring case and spacing."""
    return _whole_words(answer).search(text) is not None


def load_catalogue(path: Path) -> tuple[Question, ...]:
    """Read the questions in the file's order; blank lines are skipped.

    Raises InputError, one line with file, line, key and what was expected, also for an id or a wording
    that is used twice.
    """
    questions: list[Question] = []
    first_line_of: dict[tuple[str, str], int] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        question = _parse(line, where)
        for key, kind, value in _unique_values(question):
            if (kind, value) in first_line_of:
                first = first_line_of[kind, value]
                raise InputError(f"{where}: {key}: expected one not used before, got line {first}'s")
            first_line_of[kind, value] = number
        questions.append(question)
    if not questions:
        raise InputError(f"{path}: expected at least one question, got none")
    return tuple(questions)


def _unique_values(question: Question) -> Iterator[tuple[str, str, str]]:
    """(key, kind, value) of everything that must be unique in a catalogue."""
    yield "id", "id", question.id
    for nth, text in enumerate(question.wordings):
        yield "paraphrases" if nth else "question", "wording", text.casefold()


def _read_lines(path: Path) -> list[str]:
    expected = "expected a catalogue (NDJSON, one question a line)"
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {expected}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text; {expected}") from error


def _parse(line: str, where: str) -> Question:
    try:
        values = orjson.loads(line)
        return Question.model_validate_json(line)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{where}: invalid JSON: {error}") from error
    except ValidationError as error:
        raise InputError(f"{where}: {first_complaint(error, values)}") from error


@lru_cache(maxsize=4096)
def _whole_words(answer: str) -> re.Pattern[str]:
    """A number does not match inside a longer one: 14 matches neither 3.14 nor 14,000."""
    words = r"\s+".join(re.escape(word) for word in answer.split())
    before = r"(?<!\d[.,])" if answer[0].isdigit() else ""
    after = r"(?![.,]\d)" if answer[-1].isdigit() else ""
    return re.compile(rf"(?<!\w){before}{words}(?!\w){after}", re.IGNORECASE)
