"""Random draws keyed by identity: the same key gives the same draw, in whatever order draws are made.

A key says what the draw decides ("tenant", 17), never how many draws came before it. So a longer plan starts
with the shorter one, and a new kind of draw changes no other draw.
"""

from hashlib import blake2b
from random import Random

IdentityPart = int | str


def bits(seed: int, *identity: IdentityPart) -> int:
    """64 uniform bits for this key; independent of PYTHONHASHSEED, platform and Python version."""
    name = ascii((seed, *identity)).encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest())


def unit(seed: int, *identity: IdentityPart) -> float:
    """One uniform draw, strictly between 0 and 1: valid input of an inverse distribution function."""
    return ((bits(seed, *identity) >> 12) + 0.5) / (1 << 52)


def rng(seed: int, *identity: IdentityPart) -> Random:
    """A generator for this key, for draws that form a sequence (the gaps of one plan)."""
    return Random(bits(seed, *identity))
