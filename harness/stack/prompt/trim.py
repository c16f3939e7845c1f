"""System prompts without what they say twice: repeated paragraphs and sentences, and idle white space.

What was said first stays, word for word and in its place; only later repetitions go, whatever their case and
spacing. A repetition counts from `min_chars` characters on: "Yes." may well be meant twice. Between code
fences (```) nothing is touched. The same prompt is always trimmed to the same text, so what providers cache
of it stays the same; and trimming twice is trimming once.
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
    """The messages, each system prompt without what it or an earlier one has said; an empty one goes."""
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
    """One system prompt without what it says twice."""
    return _trimmed((text,), min_chars)[0]


@lru_cache(maxsize=128)
def _trimmed(texts: tuple[str, ...], min_chars: int) -> tuple[str, ...]:
    paragraphs, sentences = _Said(min_chars), _Said(min_chars)
    return tuple(
        "\n\n".join(new for block in _blocks(text) if (new := _only_new(block, paragraphs, sentences)))
        for text in texts
    )


class _Said:
    """What was said so far, whatever its case and spacing; what is shorter than `min_chars` is not noted."""

    def __init__(self, min_chars: int) -> None:
        self._min_chars = min_chars
        self._keys: dict[str, None] = {}

    def before(self, text: str) -> bool:
        """Whether this was said before."""
        return self._key(text) in self._keys

    def now(self, text: str) -> None:
        """This is said."""
        key = self._key(text)
        if len(key) >= self._min_chars:
            self._keys[key] = None

    def _key(self, text: str) -> str:
        return " ".join(text.split()).casefold()


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs; what stands between fences is one, fences included."""
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


def _only_new(block: str, paragraphs: _Said, sentences: _Said) -> str:
    """What of a paragraph was not said before; "" if all of it was."""
    if block.lstrip().startswith(FENCE):
        return block
    if paragraphs.before(block):
        return ""
    lines = []
    for line in block.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        new = []
        for sentence in _sentences(line.lstrip()):
            if not sentences.before(sentence):
                sentences.now(sentence)
                new.append(sentence)
        if new:
            lines.append(indent + " ".join(new))
    kept = "\n".join(lines)
    if paragraphs.before(kept):
        return ""
    paragraphs.now(kept)
    return kept


def _sentences(line: str) -> list[str]:
    """A line with a fence somewhere in it stays whole: shortened, it might begin with it."""
    return [line] if FENCE in line else _SENTENCE_ENDS.split(line)
