"""Which model a request means, and how the reply names it.

Providers answer a request for an alias in the name of the dated snapshot behind it, and clients' cost
trackers price the name in the reply. So a reply names the snapshot when the request names the canonical id
or an alias that ends in `-latest`, else what the request named.

With `any_model` an unknown name is answered by the nearest model of the provider: the one that has the most
leading words in common with it (`gpt-5.6-nova` and `gpt-5.6-luna` have three: gpt, 5, 6), among equals one
of the same tier, else the first in the profile. A name's words tell its tier: `mini` or `flash` is fast,
`opus` or `pro` powerful, any other balanced. Without a word in common it is the first model of that tier,
and for a name that tells no tier the first model of all. The reply names what the request named.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from .profile import EmbeddingModel, Model, Named

_WORD = re.compile(r"[a-z]+|\d+")
_FAST = frozenset(
    ["ada", "flash", "haiku", "instant", "lite", "luna", "micro", "mini", "nano", "small", "tiny", "turbo"]
)
_POWERFUL = frozenset(["opus", "pro", "large", "max", "ultra", "astra", "fable", "mythos", "deep"])
_LATEST = "-latest"


class Candidate(NamedTuple):
    """A model's canonical id, its tier, and the words of one of its names."""

    id: str
    tier: str
    words: tuple[str, ...]


def echoed(name: str, id_: str, model: Named) -> str:
    """The name that a reply gives to a model known as `id_` and asked for as `name`."""
    if name == id_ or name.endswith(_LATEST):
        return model.snapshot or id_
    return name


def candidates(models: Mapping[str, Model] | Mapping[str, EmbeddingModel]) -> tuple[Candidate, ...]:
    """The names among which `nearest` looks, in the order of the profile."""
    return tuple(
        Candidate(id_, model.tier if isinstance(model, Model) else _tier(words_of(id_)), words_of(name))
        for id_, model in models.items()
        for name in model.names(id_)
    )


@lru_cache(maxsize=1024)
def nearest(name: str, among: tuple[Candidate, ...]) -> str | None:
    """The canonical id of the model nearest to an unknown name; None when there is no model at all."""
    if not among:
        return None
    words = words_of(name)
    tier = _tier(words)
    if all(each.words[:1] != words[:1] for each in among):
        if not _tells_tier(words):
            return among[0].id
        return next((each.id for each in among if each.tier == tier), among[0].id)
    return max(among, key=lambda each: (_common(words, each.words), each.tier == tier)).id


def words_of(name: str) -> tuple[str, ...]:
    """The words and numbers of a name, in lower case: `gpt-5.6-luna` has four."""
    return tuple(_WORD.findall(name.lower()))


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _tells_tier(words: tuple[str, ...]) -> bool:
    return not (_FAST | _POWERFUL).isdisjoint(words)


def _tier(words: tuple[str, ...]) -> str:
    if not _FAST.isdisjoint(words):
        return "fast"
    return "balanced" if _POWERFUL.isdisjoint(words) else "powerful"
