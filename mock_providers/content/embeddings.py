"""Embeddings: unit vectors determined by the text alone, close for equal meanings or similar wordings.

A text's vector is `sqrt(s) · meaning + sqrt(1 − s) · wording`, made unit length, where `s` is the profile's
separability. `meaning` is a random direction for each question of the catalogue, shared by all its
paraphrases; `wording` hashes words and character trigrams to signed dimensions (Weinberger et al., Feature
Hashing, 2009), so that texts which differ only in a negation or a number are close, as with real models.
Texts outside the catalogue have a wording only. The mixture is our choice: two paraphrases have a cosine of
about `s`, a confusable pair of about `1 − s`.
"""

import hashlib
import math
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .questions import Catalogue

Vector = NDArray[np.float32]

_WORD = re.compile(r"\w+")
_GRAM = 3


def embed(text: str, catalogue: Catalogue, dimensions: int, separability: float) -> Vector:
    """The unit vector of a text, of shape (dimensions,)."""
    wording = _wording(text, dimensions)
    question = catalogue.question_meant_by(text)
    if question is None:
        return wording
    mixed = math.sqrt(separability) * _meaning(question.id, dimensions)
    return _unit(mixed + math.sqrt(1.0 - separability) * wording)


def shortened(vector: Vector, dimensions: int) -> Vector:
    """The first `dimensions`, scaled to unit length, as OpenAI's models allow."""
    return vector if dimensions == len(vector) else _unit(vector[:dimensions])


def _meaning(identity: str, dimensions: int) -> Vector:
    raw = hashlib.shake_256(identity.encode()).digest(-(-dimensions // 8))
    signs = np.unpackbits(np.frombuffer(raw, np.uint8))[:dimensions].astype(np.float32) * 2.0 - 1.0
    return _unit(signs)


def _wording(text: str, dimensions: int) -> Vector:
    vector = np.zeros(dimensions, np.float32)
    words = _WORD.findall(text.lower())
    padded = f" {' '.join(words)} "
    features = [*words, *(padded[at : at + _GRAM] for at in range(len(padded) - _GRAM + 1)), ""]
    hashes = np.array([_hash(feature) for feature in features], np.uint64)
    signs = np.where(hashes >> np.uint64(63), 1.0, -1.0).astype(np.float32)
    np.add.at(vector, (hashes % np.uint64(dimensions)).astype(np.intp), signs)
    return _unit(vector)


@lru_cache(maxsize=65_536)
def _hash(feature: str) -> int:
    return int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    if length == 0.0:  # all features cancelled out
        vector = np.ones_like(vector)
        length = math.sqrt(len(vector))
    return (vector / np.float32(length)).astype(np.float32)
