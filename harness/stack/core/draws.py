"""Random draws keyed by identity: the same call jitters the same way, in whatever order calls come."""

from hashlib import blake2b


def uniform(seed: int, *identity: str | int) -> float:
    """A number in [0, 1) decided by the seed and the identity alone."""
    key = "\x1f".join(map(str, (seed, *identity))).encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest()) / 2**64
