"""Questions with their right answers: the mock answers them, and replies are judged by them.

A catalogue is JSON lines, one question each: `{"id": "q1", "question": "...", "answer": "...",
"wrong": ["...", ...], "difficulty": "easy" | "medium" | "hard"}`, and for embeddings also

- `"paraphrases": ["...", ...]`: other wordings of the question, with the same answer
- `"group": "..."`: an embedding model confuses questions of one group, though their answers differ

Other keys are ignored. A prompt asks a question by a line `Question: <text>` in its last user
message (the last such line counts).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..exchange.validation import one_line
from .prose import vocabulary

Difficulty = Literal["easy", "medium", "hard"]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\r\n]*$")]

_QUESTION = re.compile(r"^[ \t]*Question:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_TAIL_CHARS = 512


class CatalogueError(Exception):
    """A catalogue that cannot be used; one line: file, line, key and what was expected."""


class Question(BaseModel):
    """One question with its right answer and the wrong ones a model may give instead.

    - `paraphrases`: other wordings of the question (default none)
    - `group`: shared by the questions that an embedding model confuses with it (default none)
    """

    model_config = ConfigDict(frozen=True, strict=True)

    id: Line
    question: Line
    answer: Line
    wrong: Annotated[tuple[Line, ...], Field(min_length=1)]
    difficulty: Difficulty
    paraphrases: tuple[Line, ...] = ()
    group: Line | None = None

    @property
    def wordings(self) -> tuple[str, ...]:
        """Every text that asks the question, stripped of blanks."""
        return tuple(text.strip() for text in (self.question, *self.paraphrases))


class Catalogue:
    """Questions by text. CatalogueError for duplicate texts and answers that filler may contain."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._by_text: dict[str, Question] = {}
        self._size = 0
        for question in questions:
            self._add(question)

    def __len__(self) -> int:
        return self._size

    def question_in(self, text: str) -> Question | None:
        """The question on the last `Question:` line of a message, None when it is not in the catalogue."""
        asked = last_match(_QUESTION, text) if self._by_text else None
        return None if asked is None else self._by_text.get(asked)

    def question_meant_by(self, text: str) -> Question | None:
        """The question whose wording is the whole text, else the one on its `Question:` line."""
        return self._by_text.get(text.strip()) or self.question_in(text)

    def _add(self, question: Question) -> None:
        if contains(vocabulary(), question.answer):
            raise CatalogueError(f"answer: expected no phrase of the filler prose, got {question.answer!r}")
        for nth, text in enumerate(question.wordings):
            if text in self._by_text:
                key = "paraphrases" if nth else "question"
                raise CatalogueError(f"{key}: expected each once, got {text!r} again")
            self._by_text[text] = question
        self._size += 1


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


def contains(text: str, phrase: str) -> bool:
    """Whether the text contains the phrase as whole words, ignoring case."""
    return re.search(rf"(?<!\w){re.escape(phrase.strip())}(?!\w)", text, re.IGNORECASE) is not None


def last_match(pattern: re.Pattern[str], text: str) -> str | None:
    """The group of the pattern's last match; the end of a long text is searched first."""
    found = pattern.findall(text, max(0, len(text) - _TAIL_CHARS)) or pattern.findall(text)
    return found[-1] if found else None
