"""Random draws keyed by identity: the same question about the same thing has the same answer, in any order.

A draw is named by what it decides ("tenant", 17), never by how many draws came before it, so a longer plan
starts with the shorter one, and adding a kind of draw leaves all others as they were.
"""

from hashlib import blake2b
from random import Random

IdentityPart = int | str


def bits(seed: int, *identity: IdentityPart) -> int:
    """64 uniform bits for this identity; independent of PYTHONHASHSEED, platform and Python version."""
    name = ascii((seed, *identity)).encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest())


def unit(seed: int, *identity: IdentityPart) -> float:
    """One uniform draw, strictly between 0 and 1 (so that an inverse distribution function may take it)."""
    return ((bits(seed, *identity) >> 12) + 0.5) / (1 << 52)


def rng(seed: int, *identity: IdentityPart) -> Random:
    """A generator of its own for this identity, for draws that are a sequence (the gaps of one plan)."""
    return Random(bits(seed, *identity))
