"""Random draws keyed by identity, not by order.

`Draws(7).rng("openai", "gpt-4o", digest, 0, "ttft")` is the same generator in every process and for every
arrival order. So two clients under one seed get the same provider latencies and answers (common random
numbers), and a new draw changes no existing one.
"""

import hashlib
import random
from typing import Self

_TWO_TO_53 = float(1 << 53)


class Draws:
    """A family of random generators under one seed, one for each identity.

    `under` fixes the front part of an identity: `Draws(s).under(a).rng(b)` equals `Draws(s).rng(a, b)`.
    """

    __slots__ = ("_hash", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._hash = hashlib.blake2b(_encoded((seed,)), digest_size=16)

    def under(self, *identity: str | int) -> Self:
        """The draws with `identity` as a prefix."""
        child = object.__new__(type(self))
        child.seed = self.seed
        child._hash = self._keyed(identity)
        return child

    def rng(self, *identity: str | int) -> random.Random:
        """The generator of `identity`."""
        return random.Random(int.from_bytes(self._keyed(identity).digest(), "big"))

    def uniform(self, *identity: str | int) -> float:
        """One number in [0, 1) for `identity`; cheaper than a generator."""
        return (int.from_bytes(self._keyed(identity).digest()[:8], "big") >> 11) / _TWO_TO_53

    def _keyed(self, identity: tuple[str | int, ...]) -> "hashlib.blake2b":
        keyed = self._hash.copy()
        keyed.update(_encoded(identity))
        return keyed


def _encoded(identity: tuple[str | int, ...]) -> bytes:
    """Each part prefixed with its type and length, so that no two identities share an encoding."""
    parts = []
    for part in identity:
        raw = part.encode() if isinstance(part, str) else b"%d" % part
        parts.append(b"%c%d:" % (b"s" if isinstance(part, str) else b"i", len(raw)))
        parts.append(raw)
    return b"".join(parts)
