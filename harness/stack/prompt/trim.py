"""Trims system prompts: removes repeated paragraphs and sentences, and superfluous white space.

The first occurrence stays unchanged and in its place; later repetitions are removed, compared without case
and spacing. Only repetitions of at least `min_chars` characters count: a short "Yes." may be meant twice.
Code between fences (```) is not touched. Trimming is deterministic, so the cacheable prefix stays the same,
and idempotent.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ..core.request import Message

FENCE = "```"
_SENTENCE_ENDS = re.compile(r"(?<=[.!?]) +")
_SPACES = re.compile(r"(?<=\S)[ \t]+")


def trimmed(messages: Sequence[Message], min_chars: int = 20) -> tuple[Message, ...]:
    """The messages, with repetitions within and between system prompts removed; empty ones are dropped."""
    texts = iter(_trimmed(tuple(turn.content for turn in messages if turn.role == "system"), min_chars))
    kept: list[Message] = []
    for turn in messages:
        text = next(texts) if turn.role == "system" else turn.content
        if turn.role != "system" or text == turn.content:
            kept.append(turn)
        elif text:
            kept.append(replace(turn, content=text))
    return tuple(kept)


def trim(text: str, min_chars: int = 20) -> str:
    """One system prompt without repetitions."""
    return _trimmed((text,), min_chars)[0]


@lru_cache(maxsize=128)
def _trimmed(texts: tuple[str, ...], min_chars: int) -> tuple[str, ...]:
    paragraphs, sentences = _Seen(min_chars), _Seen(min_chars)
    return tuple(
        "\n\n".join(new for block in _blocks(text) if (new := _only_new(block, paragraphs, sentences)))
        for text in texts
    )


class _Seen:
    """Texts seen so far, compared without case and spacing; texts below `min_chars` are not recorded."""

    def __init__(self, min_chars: int) -> None:
        self._min_chars = min_chars
        self._keys: dict[str, None] = {}

    def __contains__(self, text: str) -> bool:
        return self._key(text) in self._keys

    def add(self, text: str) -> None:
        key = self._key(text)
        if len(key) >= self._min_chars:
            self._keys[key] = None

    def _key(self, text: str) -> str:
        return " ".join(text.split()).casefold()


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs; a fenced code block is one paragraph, fences included."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        is_fence = line.lstrip().startswith(FENCE)
        begins, ends = is_fence and not fenced, is_fence and fenced
        if begins or not (fenced or line.strip()):
            yield "\n".join(lines)
            lines = []
        if fenced or is_fence:
            lines.append(line)
        elif line.strip():
            lines.append(_SPACES.sub(" ", line).rstrip())
        if ends:
            yield "\n".join(lines)
            lines = []
        fenced = begins or (fenced and not ends)
    yield "\n".join(lines).rstrip()


def _only_new(block: str, paragraphs: _Seen, sentences: _Seen) -> str:
    """A paragraph without repetitions; "" if nothing is left."""
    if block.lstrip().startswith(FENCE):
        return block
    if block in paragraphs:
        return ""
    lines = []
    for line in block.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        new = []
        for sentence in _sentences(line.lstrip()):
            if sentence not in sentences:
                sentences.add(sentence)
                new.append(sentence)
        if new:
            lines.append(indent + " ".join(new))
    kept = "\n".join(lines)
    if kept in paragraphs:
        return ""
    paragraphs.add(kept)
    return kept


def _sentences(line: str) -> list[str]:
    """A line that contains a fence stays whole: shortened, it might begin with the fence."""
    return [line] if FENCE in line else _SENTENCE_ENDS.split(line)
