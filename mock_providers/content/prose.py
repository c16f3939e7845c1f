"""Filler prose: the text of a reply after its answer.

Made once from a small vocabulary without digits or names of people, places or things, so that it never
contains the answer to a question. A reply is a slice that starts at a sentence. The prose is a fixed cycle,
so the position at which a partial reply ends can be found from its last words.
"""

import random
import re
from bisect import bisect_right
from functools import cache
from typing import NamedTuple

_SUBJECTS = """
the reasoning / this reading / the explanation / the usual approach / that choice / the argument
the remaining part / such a claim / the other option / the conclusion / a closer look / the wording
"""
_VERBS = """
follows from / depends on / agrees with / builds upon / rests on / differs little from / says more about
is consistent with / adds detail to / is simpler than / comes before / supports
"""
_OBJECTS = """
what was said earlier / the assumption made above / the way the matter is put / how it is usually explained
the points already given / what is commonly expected / the details left out here / an ordinary understanding
the rest of this reply / whatever was meant by asking / the general idea / most of the alternatives
"""
_OPENINGS = """
In short / Put differently / Even so / In practice / More generally / At the same time / As a rule
On balance / For that reason / To be careful / Seen this way / That said
"""
_JOINTS = "and / although / because / so that / while / besides"

# Two to four bytes a character, and graphemes of several code points: combining accents, skin tones,
# variation selectors and emoji joined by U+200D. Chunks of four characters must fall into their middle.
_UNICODE_SUBJECTS = """
l’idée naïve / der größere Überblick / 这个想法 / その説明 / 이 설명 / эта мысль / η ιδέα αυτή
la re\u0301flexion / \U0001f469\u200d\U0001f4bb / \U0001f9d1\U0001f3fd\u200d\U0001f52c / das Äußere
"""
_UNICODE_VERBS = """
découle de / ergänzt / 取决于 / とつながる / 뒤따른다 / зависит от / συμφωνεί με / préce\u0300de
\u2194\ufe0f / \U0001f91d\U0001f3ff / \U0001f64c\U0001f3fb
"""
_UNICODE_OBJECTS = """
ce qui précède / das Übrige / 前面说过的 / 先ほどのこと / 앞의 이야기 / сказанное ранее / τα προηγούμενα
la phrase entie\u0300re / \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466
\U0001f3f3\ufe0f\u200d\U0001f308 / \u2764\ufe0f\u200d\U0001f525 / \U0001d4e3\U0001d4ee\U0001d505\U0001d4fd
"""
_UNICODE_OPENINGS = """
À vrai dire / Übrigens / 总的来说 / ちなみに / 그래도 / Впрочем / Εν ολίγοις / \U0001f642 Alors
"""
_UNICODE_JOINTS = "et / während / 因为 / しかし / 그리고 / хотя / \U0001f449\U0001f3fe"

_PROSE_CHARS = 1 << 16
_SEED = 20_250_101  # any constant: the prose is the same for everyone
_STOP = ". "
_TAIL_CHARS = 512  # several sentences: no two places of the prose share so many characters
_ENOUGH_CHARS = 48  # about half a sentence: a place to go on from where no beginning of a sentence is left
_BOUNDARY = re.compile(r"""[.!?:;]\s+|\n|["'(]|^""")


class Vocabulary(NamedTuple):
    """Phrases separated by slashes or line breaks, by what they do in a sentence."""

    subjects: str
    verbs: str
    objects: str
    openings: str
    joints: str


_PLAIN = Vocabulary(_SUBJECTS, _VERBS, _OBJECTS, _OPENINGS, _JOINTS)
_UNICODE = Vocabulary(_UNICODE_SUBJECTS, _UNICODE_VERBS, _UNICODE_OBJECTS, _UNICODE_OPENINGS, _UNICODE_JOINTS)


class Prose:
    """A cycle of sentences. A place in it is the index of a character."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        rng = random.Random(_SEED)
        sentences: list[str] = []
        starts: list[int] = []
        length = 0
        parts = tuple(_phrases(kind) for kind in vocabulary)
        while length < _PROSE_CHARS:
            starts.append(length)
            sentences.append(_sentence(rng, parts))
            length += len(sentences[-1])
        self._text = "".join(sentences)
        self._starts = starts
        self._searched = _STOP + self._text + self._text[:_TAIL_CHARS]

    def start(self, draw: float) -> int:
        """The place of the sentence that `draw` (in [0, 1)) picks."""
        return self._starts[int(draw * len(self._starts))]

    def slice(self, at: int, chars: int) -> str:
        """`chars` characters from a place on, cyclically."""
        piece = self._text[at : at + chars]
        while len(piece) < chars:
            piece += self._text[: chars - len(piece)]
        return piece

    def after(self, text: str) -> int | None:
        """The place right after `text`, None when it does not end in this prose.

        `text` ends in it when its last characters, from some sentence's start on, are found here; or else
        its last 48 characters. The longest such ending decides, looked for in the last 512 characters.
        """
        tail = text[-_TAIL_CHARS:]
        for boundary in _BOUNDARY.finditer(tail):
            rest = tail[boundary.end() :]
            # A stop in front makes it a sentence's start; the text searched has one more in front.
            if rest and (found := self._searched.find(_STOP + rest)) >= 0:
                return (found + len(rest)) % len(self._text)
        if len(text) >= _ENOUGH_CHARS and (found := self._searched.find(text[-_ENOUGH_CHARS:])) >= 0:
            return (found + _ENOUGH_CHARS - len(_STOP)) % len(self._text)
        return None

    def sentence_of(self, at: int) -> str:
        """The sentence that holds a place, with the blank after it."""
        nth = bisect_right(self._starts, at % len(self._text))
        return self._text[self._starts[nth - 1] : (*self._starts, len(self._text))[nth]]


def plain_prose() -> Prose:
    """English prose, ASCII only."""
    return _PLAIN_PROSE


@cache
def unicode_prose() -> Prose:
    """Prose of many scripts, accents and emoji; made at the first call."""
    return Prose(_UNICODE)


def filler(chars: int, draw: float) -> str:
    """`chars` characters of plain prose, from the sentence that `draw` (in [0, 1)) picks on."""
    return _PLAIN_PROSE.slice(_PLAIN_PROSE.start(draw), chars)


@cache
def vocabulary() -> str:
    """Every phrase of the prose; no answer of a catalogue may occur in it."""
    return " / ".join((*_PLAIN, *_UNICODE))


def _sentence(rng: random.Random, parts: tuple[tuple[str, ...], ...]) -> str:
    *clause_parts, openings, joints = parts

    def clause() -> str:
        return " ".join(rng.choice(part) for part in clause_parts)

    second = f", {rng.choice(joints)} {clause()}" if rng.randrange(2) else ""
    return f"{rng.choice(openings)}, {clause()}{second}. "


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for line in text.strip().splitlines() for phrase in line.split("/"))


_PLAIN_PROSE = Prose(_PLAIN)
