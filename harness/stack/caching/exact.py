"""Exact cache: the same request with the same credential gets the same answer, replayed as a stream.

Only whole answers with words in them are stored, not empty, filtered or cut ones. The key covers everything
that decides an answer and nothing else: tenant, credential, residency, and the request but for what cannot
change its answer (`NOT_IN_DIGEST` in `core/request.py`); never ids or deadlines.

Identical calls while an answer is on its way share it (`single_flight.py`). An answer past its TTL may be
served for `stale_s` longer; the first stale hit starts one background refresh (stale-while-revalidate, RFC
5861).
"""

import asyncio
from hashlib import sha256
from typing import Literal

import orjson
from pydantic import Field

from ..config.options import Options
from ..core.background import Background
from ..core.call import Call, Next
from ..core.reply import Event, Outcome, Reply, replay, worth_keeping
from .single_flight import Flight
from .store import EntryStore

Scope = Literal["credential", "tenant"]
"""Calls that share answers: those of one tenant with one credential, or all of one tenant."""


class CacheOptions(Options):
    """`scope` "credential": only calls with the same tenant and the same credential share answers; "tenant":
    all of a tenant's calls do.

    `ttl_s` 300 seconds from the end of the answer, then `stale_s` 0 seconds in which it is served stale
    and refreshed; `max_entries` 10,000 and `max_chars` 50 million characters of all answers, evicted least
    recently used first; `single_flight` true: identical concurrent calls share one upstream call;
    `max_temperature` 1.0: calls with a higher temperature ask for variety, and bypass the cache, as do calls
    whose `Caller.cache` is "bypass".
    """

    scope: Scope = "credential"
    ttl_s: float = Field(default=300.0, gt=0)
    stale_s: float = Field(default=0.0, ge=0)
    max_entries: int = Field(default=10_000, ge=1)
    max_chars: int = Field(default=50_000_000, ge=1)
    single_flight: bool = True
    max_temperature: float = Field(default=1.0, ge=0)


def cache_key(call: Call, scope: Scope = "credential") -> bytes:
    """SHA-256 of those who share answers, the residency and the digest of the request."""
    caller = call.caller
    sharing = [caller.tenant, caller.key if scope == "credential" else "", caller.residency]
    return sha256(orjson.dumps(sharing) + call.request.digest()).digest()


class ExactCache:
    """The layer: answers from the store if possible, otherwise records the answer passing through."""

    def __init__(self, options: CacheOptions, background: Background | None = None) -> None:
        self._options = options
        self._background = background or Background()
        self._flights: dict[bytes, Flight] = {}
        self._store = EntryStore(
            ttl_s=options.ttl_s,
            stale_s=options.stale_s,
            max_entries=options.max_entries,
            max_chars=options.max_chars,
        )

    async def __call__(self, call: Call, next: Next) -> Reply:
        if call.caller.cache == "bypass" or (call.request.temperature or 0.0) > self._options.max_temperature:
            call.facts.cache = "bypass"
            return await next(call)
        key = cache_key(call, self._options.scope)
        if call.caller.cache != "refresh":
            found = self._store.get(key, asyncio.get_running_loop().time())
            if found is not None:
                call.facts.cache = "stale" if found.stale else "exact"
                call.facts.cached_from, call.facts.dropped_before = found.source, found.dropped
                if found.stale and key not in self._flights:
                    self._start(key, call, next, detached=True)
                return Reply(found.events[0], replay(found.events[1:]))
            if self._options.single_flight:
                return await self._shared(key, call, next)
        call.facts.cache = "miss"
        return self._recorded(key, await next(call), call)

    async def _shared(self, key: bytes, call: Call, next: Next) -> Reply:
        """Subscribe to the flight of an identical call, or start one."""
        while True:
            flight = self._flights.get(key)
            if flight is None or not flight.accepts(call):
                call.facts.cache = "miss"
                return await self._start(key, call, next).subscribe(call)
            call.facts.cache = "coalesced"
            try:
                reply = await flight.subscribe(call)
            except Exception:
                if not flight.should_retry(call):
                    raise
            else:
                call.facts.dropped_before = flight.dropped
                return reply

    def _start(self, key: bytes, call: Call, next: Next, *, detached: bool = False) -> Flight:
        def on_complete(flight: Flight) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if flight.answer is not None:
                self._store_answer(key, flight.answer, call)

        flight = self._flights[key] = Flight(call, next, self._background, on_complete, detached=detached)
        return flight

    def _recorded(self, key: bytes, reply: Reply, call: Call) -> Reply:
        """The reply unchanged; its answer is stored if it ends successfully."""
        events: list[Event] = []
        reply.tap(events.append)

        def store(outcome: Outcome) -> None:
            if outcome.kind == "success":
                self._store_answer(key, tuple(events), call)

        reply.on_end(store)
        return reply

    def _store_answer(self, key: bytes, events: tuple[Event, ...], call: Call) -> None:
        """Store an answer that is worth keeping, unless it is the semantic cache's, which stores and audits
        its own.
        """
        if call.facts.cache != "semantic" and worth_keeping(events, call.request.max_tokens):
            now = asyncio.get_running_loop().time()
            self._store.put(key, events, now, call.id, call.facts.dropped_for_all)
