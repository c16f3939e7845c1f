"""Prompt caching as the providers do it: the tokens of a prompt read from the cache and written to it.

A cache belongs to one model of one organisation. `look_up` at admission changes nothing; `commit` follows
when the reply has been planned. An entry can be read once the reply that wrote it has begun, so parallel
cold calls all write.
"""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from ..exchange.options import Options, PositiveSeconds
from ..exchange.request import CacheTtl, Message
from ..exchange.tokens import TOKENS_PER_REQUEST
from .entries import Entries
from .prefix import BlockPrefix, marked, stepped

MinTokens = Annotated[int, Field(ge=TOKENS_PER_REQUEST)]
PositiveInt = Annotated[int, Field(gt=0)]


class Automatic(Options):
    """Every prompt's prefix is cached automatically, in steps: OpenAI and Together.

    - `min_tokens`: shorter prompts are not cached (default 1,024)
    - `step_tokens`: cached prefixes are `min_tokens` plus a multiple of this long (default 128)
    - `idle_s`: an unused prefix expires after this time (default 300; OpenAI documents 5-10 minutes)
    - `max_age_s`: a prefix expires this long after it was written, even if used (default 3,600)
    - `writes_reported`: whether newly written tokens are reported and billed as cache writes, as from GPT-5.6
      on (default false)
    - `max_entries`: cached steps, about 300 bytes each; beyond it the least recently used are dropped
      (default 500,000)
    """

    kind: Literal["automatic"] = "automatic"
    min_tokens: MinTokens = 1024
    step_tokens: PositiveInt = 128
    idle_s: PositiveSeconds = 300.0
    max_age_s: PositiveSeconds = 3600.0
    writes_reported: bool = False
    max_entries: PositiveInt = 500_000


class Breakpoints(Options):
    """Prefixes are cached where the client sets breakpoints: Anthropic.

    - `min_tokens`: a shorter prefix is silently not cached (default 1,024: Sonnet; 2,048: Haiku 3.x;
      4,096: Haiku 4.5, Opus 4.5)
    - `look_back_blocks`: a breakpoint finds entries that end with it or with one of the blocks before it,
      this many in all (default 20)
    - `max_breakpoints`: the protocol refuses requests with more (default 4)
    - `ttl_5m_s`, `ttl_1h_s`: lifetime of an unused entry of either kind (default 300 and 3,600); every use
      restarts it
    - `max_entries`: of each kind, about 300 bytes each; beyond it the least recently used are dropped
      (default 500,000)
    """

    kind: Literal["breakpoints"] = "breakpoints"
    min_tokens: MinTokens = 1024
    look_back_blocks: PositiveInt = 20
    max_breakpoints: PositiveInt = 4
    ttl_5m_s: PositiveSeconds = 300.0
    ttl_1h_s: PositiveSeconds = 3600.0
    max_entries: PositiveInt = 500_000


_NO_PREFIX = BlockPrefix(0, None)

PromptCaching = Annotated[Automatic | Breakpoints, Field(discriminator="kind")]


class CacheUse(NamedTuple):
    """Prompt tokens that one request reads from the cache and writes to it; the rest is uncached.

    `write_tokens` are written for five minutes (or the lifetime of an automatic cache), `write_1h_tokens` for
    an hour. `now`, `since` and `touched` (kind and digest of each prefix) are for `commit`. `lost_tokens`
    more would have been read if entries from before `since` were not lost.
    """

    read_tokens: int = 0
    write_tokens: int = 0
    write_1h_tokens: int = 0
    now: float = 0.0
    since: float = -math.inf
    touched: tuple[tuple[CacheTtl, bytes], ...] = ()
    lost_tokens: int = 0


class PromptCache(Protocol):
    """The cache of one model of one organisation."""

    def look_up(self, messages: Sequence[Message], now: float, since: float | None = None) -> CacheUse:
        """The use by a request received at `now`; entries from before `since` are lost."""

    def commit(self, use: CacheUse, ready_s: float) -> None:
        """Apply the use; the reply begins at `ready_s`."""

    def __len__(self) -> int:
        """Number of entries."""


class AutomaticCache:
    """The longest cached exact prefix, from `min_tokens` in steps of `step_tokens`."""

    def __init__(self, options: Automatic) -> None:
        self._options = options
        self._entries = Entries(options.idle_s, options.max_age_s, options.max_entries)

    def __len__(self) -> int:
        return len(self._entries)

    def look_up(self, messages: Sequence[Message], now: float, since: float | None = None) -> CacheUse:
        """Read the longest run of cached steps from the front."""
        options, lost_before = self._options, -math.inf if since is None else since
        digests = stepped(messages, options.min_tokens, options.step_tokens)
        cached = sum(
            1 for _ in takewhile(lambda each: self._entries.readable(each, now, lost_before), digests)
        )
        read = self._tokens(cached)
        write = self._tokens(len(digests)) - read if options.writes_reported else 0
        return CacheUse(read, write, 0, now, lost_before, tuple(("5m", digest) for digest in digests))

    def commit(self, use: CacheUse, ready_s: float) -> None:
        """Every step of the prompt is refreshed or written."""
        for _, digest in use.touched:
            self._entries.put(digest, use.now, use.since, ready_s)
        self._entries.drop_expired(use.now)

    def _tokens(self, steps: int) -> int:
        return self._options.min_tokens + (steps - 1) * self._options.step_tokens if steps else 0


class BreakpointCache:
    """An entry for each breakpoint; a breakpoint also reads entries of the blocks before it."""

    def __init__(self, options: Breakpoints) -> None:
        self._options = options
        self._entries: dict[CacheTtl, Entries] = {
            "5m": Entries(options.ttl_5m_s, max_entries=options.max_entries),
            "1h": Entries(options.ttl_1h_s, max_entries=options.max_entries),
        }

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def look_up(self, messages: Sequence[Message], now: float, since: float | None = None) -> CacheUse:
        """Read up to the longest entry found; write from there to the last breakpoint.

        As Anthropic bills it: up to the highest hit as a read, from there to the highest one-hour breakpoint
        as a one-hour write, from there to the last breakpoint as a five-minute write. An entry that is read
        keeps its kind, whatever the breakpoint's TTL.
        """
        lost_before = -math.inf if since is None else since
        blocks = marked(messages, self._options.look_back_blocks)
        touched: list[tuple[CacheTtl, bytes]] = []
        read = hour = last = 0
        for nth, block in enumerate(blocks):
            if block.cache is None or block.tokens < self._options.min_tokens:
                continue
            last = block.tokens
            hour = last if block.cache == "1h" else hour
            start = max(0, nth + 1 - self._options.look_back_blocks)
            found, kinds = self._nearest(blocks[start : nth + 1], now, lost_before)
            read = max(read, found.tokens)
            touched += [(kind, found.digest) for kind in kinds]
            if found is not block:
                touched.append((block.cache, block.digest))
        hour = max(hour, read)
        return CacheUse(read, max(last, hour) - hour, hour - read, now, lost_before, tuple(touched))

    def commit(self, use: CacheUse, ready_s: float) -> None:
        """Entries read are refreshed; every breakpoint has an entry."""
        for kind, digest in use.touched:
            self._entries[kind].put(digest, use.now, use.since, ready_s)
        for entries in self._entries.values():
            entries.drop_expired(use.now)

    def _nearest(
        self, blocks: list[BlockPrefix], now: float, since: float
    ) -> tuple[BlockPrefix, list[CacheTtl]]:
        """The last of `blocks` that has an entry, and the entry's kinds; an empty prefix when none has."""
        for block in reversed(blocks):
            if kinds := [
                kind for kind, held in self._entries.items() if held.readable(block.digest, now, since)
            ]:
                return block, kinds
        return _NO_PREFIX, []


def prompt_cache(options: Automatic | Breakpoints) -> PromptCache:
    """An empty cache."""
    return AutomaticCache(options) if isinstance(options, Automatic) else BreakpointCache(options)
