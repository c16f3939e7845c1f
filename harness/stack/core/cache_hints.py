"""Prefixes of a prompt, and the marks up to which a provider is asked to cache it."""

from typing import Literal, NamedTuple

PrefixEnd = Literal["tools", "system", "earlier", "last"]
"""Where a prefix ends: after the tools, the system prompt, the turn of the user before the last, the last."""
CacheTtl = Literal["5m", "1h"]


class Prefix(NamedTuple):
    """A prefix of a prompt: where it ends, its tokens, and the share of calls that find it used within the
    last five minutes (`reused_5m`) and within the last hour (`reused_1h`).
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
    """Hints for the providers' prompt caches.

    - `prefixes`: the prefixes that may be cached; `marks`: those that the provider is asked to cache
    - `key`: OpenAI's `prompt_cache_key`, "" for none
    - `affinity_key`: the digest that decides which target is tried first, b"" for none
    """

    prefixes: tuple[Prefix, ...] = ()
    marks: tuple[Mark, ...] = ()
    key: str = ""
    affinity_key: bytes = b""


NO_HINTS = CacheHints()
