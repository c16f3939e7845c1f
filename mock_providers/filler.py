"""Prose that says nothing: what a reply goes on with after its answer.

Made once from a small vocabulary without digits, names of people, places or things, so that it can never
contain the answer to a question. A reply takes a slice that starts at a sentence.
"""

import random

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


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for line in text.strip().splitlines() for phrase in line.split("/"))


_PARTS = tuple(_phrases(text) for text in (_SUBJECTS, _VERBS, _OBJECTS))

_PROSE_CHARS = 1 << 16
_SEED = 20_250_101  # any constant: the prose is the same for everyone


def _sentence(rng: random.Random) -> str:
    def clause() -> str:
        return " ".join(rng.choice(part) for part in _PARTS)

    second = f", {rng.choice(_phrases(_JOINTS))} {clause()}" if rng.randrange(2) else ""
    return f"{rng.choice(_phrases(_OPENINGS))}, {clause()}{second}. "


def _prose() -> tuple[str, tuple[int, ...]]:
    rng = random.Random(_SEED)
    sentences: list[str] = []
    starts: list[int] = []
    length = 0
    while length < _PROSE_CHARS:
        starts.append(length)
        sentences.append(_sentence(rng))
        length += len(sentences[-1])
    return "".join(sentences), tuple(starts)


_PROSE, _STARTS = _prose()


def filler(chars: int, draw: float) -> str:
    """`chars` characters of prose, from the sentence that `draw` (in [0, 1)) picks on, round and round."""
    start = _STARTS[int(draw * len(_STARTS))]
    piece = _PROSE[start : start + chars]
    while len(piece) < chars:
        piece += _PROSE[: chars - len(piece)]
    return piece


def vocabulary() -> str:
    """Every phrase the prose is made of: what an answer must not be part of."""
    return f"{_SUBJECTS} / {_VERBS} / {_OBJECTS} / {_OPENINGS} / {_JOINTS}"
