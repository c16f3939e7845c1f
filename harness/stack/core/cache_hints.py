"""The words for a prompt's beginnings, and for the places up to which a provider is asked to cache it."""

from typing import Literal, NamedTuple

PrefixEnd = Literal["tools", "system", "earlier", "last"]
"""Where a prefix ends: after the tools, the system prompt, the turn of the user before the last, the last."""
CacheTtl = Literal["5m", "1h"]


class Prefix(NamedTuple):
    """A beginning of a prompt: up to where, how many tokens it has, and which share of calls finds it used
    within the last five minutes, and within the last hour.
    """

    end: PrefixEnd
    tokens: int
    reused_5m: float
    reused_1h: float


class Mark(NamedTuple):
    """The prompt is to be cached up to `end`, to stay for `ttl` after its last use."""

    end: PrefixEnd
    ttl: CacheTtl


class CacheHints(NamedTuple):
    """What helps providers to find a call's beginnings in their caches.

    - `prefixes`: the beginnings that may be cached; `marks`: those that the provider is to cache
    - `key`: the name of what calls share, for a provider that wants one
    - `home`: the digest of what decides where the call goes first, b"" if nothing does
    """

    prefixes: tuple[Prefix, ...] = ()
    marks: tuple[Mark, ...] = ()
    key: str = ""
    home: bytes = b""


NO_HINTS = CacheHints()
