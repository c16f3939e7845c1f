"""Labelled questions from a CSV with the columns `text` and `category`, as in intent data sets.

The texts of a category mean the same and have the same right answer: a category becomes one question of the
catalogue, its first text the wording, the others the paraphrases. The right answer is the category's name, a
wrong one the name of another category. Other columns are ignored. Categories that differ only in signs (`c`,
`c++`, `c#`) are different categories; their answers are numbered.
"""

import csv
import re
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from harness.errors import InputError

from ..draws import bits
from .catalogue import Question

_EXPECTED_FILE = "expected labelled questions (CSV with the columns text and category)"
_LONGEST_TEXT = 8_000
_WRONG_ANSWERS = 3


def read_questions_csv(path: Path) -> tuple[Question, ...]:
    """One question a category, in the order of their first texts; all are of medium difficulty.

    White space and unprintable characters become single blanks. A repeated text (ignoring case) is left out
    even in another category: labels of real data sometimes contradict each other, and the mock can give only
    one answer.

    Raises InputError, one line with file, line, column and what was expected, for an unreadable file, a
    header without both columns, a row without both values, a text over 8,000 characters, a category that
    differs from another only in case, and fewer than two categories.
    """
    texts: dict[str, list[str]] = {}
    category_named: dict[str, str] = {}
    seen: set[str] = set()
    for where, text, category in _rows(path):
        other = category_named.setdefault(category.casefold(), category)
        if other != category:
            raise InputError(f"{where}, column category: expected {other!r} written alike, got {category!r}")
        if text.casefold() not in seen:
            seen.add(text.casefold())
            texts.setdefault(category, []).append(text)
    if len(texts) < 2:
        raise InputError(f"{path}: expected texts of at least two categories, got {len(texts)}")
    answers = _answers(list(texts))
    return tuple(_question(category, wordings, answers) for category, wordings in texts.items())


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """(where, text, category) of each row; for a text with line breaks, `where` is its last line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            text_at, category_at = _columns(path, next(reader, []))
            for row in reader:
                if row:
                    where = f"{path} line {reader.line_num}"
                    yield (
                        where,
                        _value(row, text_at, where, "text"),
                        _value(row, category_at, where, "category"),
                    )
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_EXPECTED_FILE}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not CSV text; {_EXPECTED_FILE}") from error


def _columns(path: Path, header: list[str]) -> tuple[int, int]:
    names = [name.strip().casefold() for name in header]
    if names.count("text") != 1 or names.count("category") != 1:
        raise InputError(f"{path} line 1: {_EXPECTED_FILE}, got {','.join(header)[:80]!r}")
    return names.index("text"), names.index("category")


def _value(row: list[str], at: int, where: str, column: str) -> str:
    raw = row[at] if at < len(row) else ""
    value = " ".join("".join(char if char.isprintable() else " " for char in raw).split())
    if not value:
        raise InputError(f"{where}, column {column}: expected some text, got none")
    if len(value) > _LONGEST_TEXT:
        raise InputError(
            f"{where}, column {column}: expected at most {_LONGEST_TEXT:,} characters, got {len(value):,}"
        )
    return value


def _question(category: str, wordings: list[str], answers: dict[str, str]) -> Question:
    others = sorted(
        (other for other in answers if other != category),
        key=lambda other: bits(0, "wrong", category, other),
    )
    return Question(
        id=category,
        question=wordings[0],
        answer=answers[category],
        wrong=tuple(answers[other] for other in others[:_WRONG_ANSWERS]),
        difficulty="medium",
        topic=category,
        paraphrases=tuple(wordings[1:]),
    )


def _answers(categories: list[str]) -> dict[str, str]:
    """The answer of each category: a single word, so that no answer is part of another one, nor of any prose.

    Signs are left out; a category whose word is taken by an earlier one gets a number.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for category in categories:
        word = re.sub(r"\W+", "_", category).strip("_") or "sign"
        numbered = (f"category_{word}_{n}" for n in count(2))
        answer = next(one for one in chain([f"category_{word}"], numbered) if one.casefold() not in taken)
        taken.add(answer.casefold())
        found[category] = answer
    return found
