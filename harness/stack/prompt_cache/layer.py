"""The providers' prompt caches: what each needs to read a prompt's prefix at the price of cached tokens.

- The prefix must not change: tools, system prompt and history come first, nothing that varies before them.
- Anthropic caches at breakpoints: set where they pay (`breakpoints.py`), by how often a prefix is reused
  (`reuse.py`).
- OpenAI caches automatically, on the machine that a request reaches: `prompt_cache_key` routes requests with
  the same prefix to the same machine. Gemini and Together need nothing.
- A session returns to the target that last read it from its cache (`affinity.py`).

`PromptCaching` is above the fallback and sees each call once; `PrefixTracker` is in front of each target,
sets the target's breakpoints and records its cache reads.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ..config.options import Options
from ..core.cache_hints import CacheHints, Prefix
from ..core.call import Call, Next
from ..core.reply import Outcome, Reply
from ..core.target import Target
from .affinity import PrefixAffinity, preferred_first
from .breakpoints import minimum_of, place
from .fingerprint import PromptFingerprint, fingerprint
from .reuse import Reuses

MARKED = ("anthropic",)
"""Providers that cache at breakpoints set in the request."""


class PromptCacheOptions(Options):
    """`breakpoints` true: mark prompts for Anthropic's cache where that pays.

    `stick` "session": a conversation goes first to the target that last read it from its cache; "shared": so
    do all calls with the same tools and system prompt, for chains of equally good targets; "none": keep the
    chain's order. An affinity expires after `stick_s` 300 seconds without use; beyond `max_entries` 20,000
    the least recently used is dropped.

    `key_shards` 1: the number of `prompt_cache_key` values over which sessions with one system prompt are
    spread; OpenAI advises at most 15 requests a minute for each.
    """

    breakpoints: bool = True
    stick: Literal["session", "shared", "none"] = "session"
    stick_s: float = Field(default=300.0, gt=0)
    max_entries: int = Field(default=20_000, ge=1)
    key_shards: int = Field(default=1, ge=1)


class ReuseEstimates:
    """How often each kind of prefix is reused.

    Priors: 0.5 for tools, system prompts and later turns of a session; 0.2 for a first turn, which may be the
    only one: too low for a breakpoint to pay.
    """

    def __init__(self) -> None:
        self._tools = Reuses(0.5)
        self._system = Reuses(0.5)
        self._first_turn = Reuses(0.2)
        self._later_turns = Reuses(0.5)

    def of(self, seen: PromptFingerprint, now: float) -> tuple[Prefix, ...]:
        """The prefixes of a prompt seen at `now`, shortest first, with their expected reuse."""
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
    """Finds each call's prefixes, and the target that should be tried first."""

    def __init__(self, options: PromptCacheOptions) -> None:
        self._options = options
        self._estimates = ReuseEstimates()
        self._affinity = PrefixAffinity(options.stick_s, options.max_entries)

    async def __call__(self, call: Call, next: Next) -> Reply:
        seen = fingerprint(call)
        now = asyncio.get_running_loop().time()
        prefixes = self._estimates.of(seen, now) if self._options.breakpoints else ()
        affinity_key = {"session": seen.session, "shared": seen.shared, "none": b""}[self._options.stick]
        shard = int.from_bytes(seen.session[:4], "big") % self._options.key_shards
        key = f"{seen.shared.hex()[:16]}-{shard}" if seen.shared else ""
        return await next(
            call.with_routing(cache_hints=CacheHints(prefixes, key=key, affinity_key=affinity_key))
        )

    def order(self, call: Call, targets: Sequence[Target]) -> tuple[Target, ...]:
        """The targets, the one that holds the call's prefix first."""
        key = call.routing.cache_hints.affinity_key
        if not key:
            return tuple(targets)
        return preferred_first(targets, self._affinity.of(key, asyncio.get_running_loop().time()))

    def for_target(self, target: Target) -> "PrefixTracker":
        """The layer in front of `target`."""
        return PrefixTracker(target, self._affinity)


class PrefixTracker:
    """Sets the breakpoints for this target, and records the prefixes that it read from its cache."""

    def __init__(self, target: Target, affinity: PrefixAffinity) -> None:
        self._name = target.name
        self._min_tokens = minimum_of(target.model) if target.provider in MARKED else None
        self._affinity = affinity

    async def __call__(self, call: Call, next: Next) -> Reply:
        hints = call.routing.cache_hints
        if self._min_tokens is not None and hints.prefixes:
            marks = place(hints.prefixes, self._min_tokens)
            call = call.with_routing(cache_hints=hints._replace(marks=marks))
        reply = await next(call)
        if hints.affinity_key:
            reply.on_end(lambda outcome: self._note(hints.affinity_key, outcome))
        return reply

    def _note(self, key: bytes, outcome: Outcome) -> None:
        if outcome.usage is not None and outcome.usage.cached_input_tokens:
            self._affinity.put(key, self._name, asyncio.get_running_loop().time())
