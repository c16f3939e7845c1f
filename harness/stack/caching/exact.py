"""Exact cache: the same question from the same tenant gets the same answer, replayed as a stream.

Only whole, successful answers are kept. The key holds everything that decides an answer and nothing that
does not: tenant, model asked for, messages with their tool calls and results, tools, sampling parameters,
the form of the reply, where it may be made; never ids or deadlines.

Calls that ask the same while an answer is on its way share it (`flight`). An answer past its time may be
served for a while yet, and the first call that gets it so has it made anew behind its back
(stale-while-revalidate, RFC 5861).
"""

import asyncio
from hashlib import sha256

import orjson
from pydantic import Field

from ..core.background import Background
from ..core.call import Call, Next
from ..core.options import Options
from ..core.reply import Event, Outcome, Reply, replay
from .single_flight import Flight
from .store import EntryStore


class CacheOptions(Options):
    """`ttl_s` 300 seconds from when the answer was complete, then `stale_s` 0 in which it is served stale and
    made anew; `max_entries` 10,000 and `max_chars` 50 million of all answers, the least recently used go
    first. `single_flight` true: calls that ask the same at the same time share one call upstream.

    Whoever asks for a temperature above `max_temperature` (1.0) wants variety, and is neither served nor
    kept; nor is a call that says so itself (`Call.cache`).
    """

    ttl_s: float = Field(default=300.0, gt=0)
    stale_s: float = Field(default=0.0, ge=0)
    max_entries: int = Field(default=10_000, ge=1)
    max_chars: int = Field(default=50_000_000, ge=1)
    single_flight: bool = True
    max_temperature: float = Field(default=1.0, ge=0)


def cache_key(call: Call) -> bytes:
    """The identity of an answer: who may read it, where it may be made, and the digest of the request."""
    return sha256(orjson.dumps([call.caller.tenant, call.caller.residency]) + call.request.digest()).digest()


class ExactCache:
    """Answers from memory when it can; otherwise listens to the answer going by and keeps it."""

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
        key = cache_key(call)
        if call.caller.cache != "refresh":
            found = self._store.get(key, asyncio.get_running_loop().time())
            if found is not None:
                call.facts.cache = "stale" if found.stale else "exact"
                call.facts.cached_from = found.source
                if found.stale and key not in self._flights:
                    self._take_off(key, call, next, kept=True)
                return Reply(found.events[0], replay(found.events[1:]))
            if self._options.single_flight:
                return await self._together(key, call, next)
        call.facts.cache = "miss"
        return self._overheard(key, await next(call), call)

    async def _together(self, key: bytes, call: Call, next: Next) -> Reply:
        """With those who ask the same, or ahead of those who will."""
        while True:
            flight = self._flights.get(key)
            if flight is None or not flight.takes(call):
                call.facts.cache = "miss"
                return await self._take_off(key, call, next).board(call)
            call.facts.cache = "coalesced"
            try:
                return await flight.board(call)
            except Exception:
                if not flight.failed_for(call):
                    raise

    def _take_off(self, key: bytes, call: Call, next: Next, *, kept: bool = False) -> Flight:
        def landed(flight: Flight) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if flight.answer is not None:
                self._keep(key, flight.answer, call)

        flight = self._flights[key] = Flight(call, next, self._background, landed, kept=kept)
        return flight

    def _overheard(self, key: bytes, reply: Reply, call: Call) -> Reply:
        """The reply as it is; its answer is kept if it comes to its end."""
        events: list[Event] = []
        reply.tap(events.append)

        def keep(outcome: Outcome) -> None:
            if outcome.kind == "success":
                self._keep(key, tuple(events), call)

        reply.on_end(keep)
        return reply

    def _keep(self, key: bytes, events: tuple[Event, ...], call: Call) -> None:
        """What the semantic cache answered is its own to keep, and to audit."""
        if call.facts.cache != "semantic":
            self._store.put(key, events, asyncio.get_running_loop().time(), call.id)
