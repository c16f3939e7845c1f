"""Token ids of the mock's tokens, which are four characters each: for `/tokenize`, and for prompts of ids.

An id is a number of 17 bits, as in today's vocabularies, so it cannot hold four characters: it is the
token's place in its server's vocabulary, which grows as texts are tokenized. An id that the server has not
given is four letters.
"""

import hashlib
from collections.abc import Sequence

from ....exchange.tokens import CHARS_PER_TOKEN

SIZE = 1 << 17
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_of(token_id: int) -> str:
    """The four letters of an id, the same everywhere."""
    letters = ""
    for _ in range(CHARS_PER_TOKEN):
        token_id, letter = divmod(token_id, len(_LETTERS))
        letters += _LETTERS[letter]
    return letters


class Vocabulary:
    """The ids that one server has given. A full vocabulary gives an id a second time, to the newer text."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def encode(self, text: str) -> list[int]:
        """The id of each token of a text."""
        return [self._id(text[at : at + CHARS_PER_TOKEN]) for at in range(0, len(text), CHARS_PER_TOKEN)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids."""
        return "".join(self._texts.get(id_) or text_of(id_) for id_ in ids)

    def _id(self, token: str) -> int:
        if (known := self._ids.get(token)) is not None:
            return known
        first = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest(), "big") % SIZE
        place = first
        if len(self._texts) < SIZE:
            while place in self._texts:
                place = (place + 1) % SIZE
        else:
            del self._ids[self._texts[place]]
        self._texts[place] = token
        self._ids[token] = place
        return place
