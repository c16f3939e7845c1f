"""The providers' prompt caches: what each needs to read a prompt's beginning at the price of cached tokens.

- The beginning stays the same: tools, system prompt, history, nothing that varies in front of them.
- Anthropic caches where it is told to: breakpoints where they pay (`breakpoints`), by how often a beginning
  is used again (`reuse`).
- OpenAI caches by itself, on the machine that a request comes to: `prompt_cache_key` sends those that begin
  alike to the same one. Gemini and Together need nothing.
- A session goes back to the target that was last seen to read it from its cache (`homes`).

`PromptCaching` stands above the fallback and looks at each call once; `HeldPrefix` stands in front of each
target, marks the prompt in its terms and sees what it read.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ..core.cache_hints import CacheHints, Prefix
from ..core.call import Call, Next
from ..core.options import Options
from ..core.reply import Outcome, Reply
from ..core.target import Target
from .affinity import Homes, home_first
from .breakpoints import minimum_of, place
from .fingerprint import Sight, sight
from .reuse import Reuses

MARKED = ("anthropic",)
"""Providers that cache where they are told to."""


class PromptCacheOptions(Options):
    """`breakpoints` true: mark prompts for Anthropic's cache where that pays.

    `stick` "session": a conversation goes first to the target that last read it from its cache; "shared": so
    do all calls with the same tools and system prompt, for chains of targets that are as good as each other;
    "none": the chain's order is kept. A home is forgotten after `stick_s` 300 seconds without use, beyond
    `max_entries` 20,000 the least recently used first.

    `key_shards` 1: how many keys (`prompt_cache_key`) the sessions with one system prompt are spread over;
    OpenAI advises to keep below 15 requests a minute for each.
    """

    breakpoints: bool = True
    stick: Literal["session", "shared", "none"] = "session"
    stick_s: float = Field(default=300.0, gt=0)
    max_entries: int = Field(default=20_000, ge=1)
    key_shards: int = Field(default=1, ge=1)


class Expectations:
    """How often each kind of beginning is used again.

    What is shared is thought to be in use every second time until it is known, a later turn of a session as
    well; a first turn, which may stay the only one, one time in five, which does not pay.
    """

    def __init__(self) -> None:
        self._tools = Reuses(0.5)
        self._system = Reuses(0.5)
        self._first_turn = Reuses(0.2)
        self._later_turns = Reuses(0.5)

    def of(self, seen: Sight, now: float) -> tuple[Prefix, ...]:
        """The beginnings of a prompt seen at `now`, shortest first, and what they can expect."""
        prefixes = []
        if seen.tools:
            self._tools.see(seen.tools, now)
            prefixes.append(Prefix("tools", seen.tools_tokens, *self._tools.shares))
        if seen.shared_tokens > seen.tools_tokens:
            self._system.see(seen.shared, now)
            prefixes.append(Prefix("system", seen.shared_tokens, *self._system.shares))
        if seen.turn == 0:
            turns = self._first_turn
        else:
            self._first_turn.found(seen.session, now)
            turns = self._later_turns
        turns.see(seen.session, now)
        return (*prefixes, Prefix("last", seen.tokens, *turns.shares))


class PromptCaching:
    """Looks at each call's beginnings, and says to which target it should go first."""

    def __init__(self, options: PromptCacheOptions) -> None:
        self._options = options
        self._expected = Expectations()
        self._homes = Homes(options.stick_s, options.max_entries)

    async def __call__(self, call: Call, next: Next) -> Reply:
        seen = sight(call)
        now = asyncio.get_running_loop().time()
        prefixes = self._expected.of(seen, now) if self._options.breakpoints else ()
        home = {"session": seen.session, "shared": seen.shared, "none": b""}[self._options.stick]
        shard = int.from_bytes(seen.session[:4], "big") % self._options.key_shards
        key = f"{seen.shared.hex()[:16]}-{shard}" if seen.shared else ""
        return await next(call.with_routing(cache_hints=CacheHints(prefixes, key=key, home=home)))

    def order(self, call: Call, targets: Sequence[Target]) -> tuple[Target, ...]:
        """The targets, the one that holds the call's prefix first."""
        if not call.routing.cache_hints.home:
            return tuple(targets)
        return home_first(
            targets, self._homes.of(call.routing.cache_hints.home, asyncio.get_running_loop().time())
        )

    def held_by(self, target: Target) -> "HeldPrefix":
        """The layer in front of `target`."""
        return HeldPrefix(target, self._homes)


class HeldPrefix:
    """Marks what this target is to cache, and remembers what it was seen to read."""

    def __init__(self, target: Target, homes: Homes) -> None:
        self._name = target.name
        self._min_tokens = minimum_of(target.model) if target.provider in MARKED else None
        self._homes = homes

    async def __call__(self, call: Call, next: Next) -> Reply:
        hints = call.routing.cache_hints
        if self._min_tokens is not None and hints.prefixes:
            marks = place(hints.prefixes, self._min_tokens)
            call = call.with_routing(cache_hints=hints._replace(marks=marks))
        reply = await next(call)
        if hints.home:
            reply.on_end(lambda outcome: self._note(hints.home, outcome))
        return reply

    def _note(self, key: bytes, outcome: Outcome) -> None:
        if outcome.usage is not None and outcome.usage.cached_input_tokens:
            self._homes.put(key, self._name, asyncio.get_running_loop().time())
