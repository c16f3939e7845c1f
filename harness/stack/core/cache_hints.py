"""Prefixes of a prompt, and the marks up to which a provider is asked to cache it."""

from typing import Literal, NamedTuple

PrefixEnd = Literal["tools", "system", "earlier", "last"]
"""Where a prefix ends: after the tools, the system prompt, the last but one user turn, or the last one."""
CacheTtl = Literal["5m", "1h"]


class Prefix(NamedTuple):
    """A prefix of a prompt: its end, its tokens, and the share of calls that find it used within the last
    five minutes (`reused_5m`) and within the last hour (`reused_1h`).
    """

    end: PrefixEnd
    tokens: int
    reused_5m: float
    reused_1h: float


class Mark(NamedTuple):
    """Cache the prompt up to `end`, until `ttl` after its last use."""

    end: PrefixEnd
    ttl: CacheTtl


class CacheHints(NamedTuple):
    """Hints that help providers to find a call's prefixes in their caches.

    - `prefixes`: the prefixes that may be cached; `marks`: those that the provider is asked to cache
    - `key`: the name of the shared prefix, for providers that take one (OpenAI's `prompt_cache_key`)
    - `affinity_key`: digest of the session or prefix that decides which target is asked first, b"" for none
    """

    prefixes: tuple[Prefix, ...] = ()
    marks: tuple[Mark, ...] = ()
    key: str = ""
    affinity_key: bytes = b""


NO_HINTS = CacheHints()
