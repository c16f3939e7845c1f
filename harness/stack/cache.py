"""Exact cache: the same question from the same tenant gets the same answer, replayed as a stream.

Only whole, successful answers are kept. The key holds everything that decides an answer and nothing that
does not: tenant, model asked for, messages with their tool calls and results, tools, sampling parameters,
the form of the reply, where it may be made; never ids or deadlines.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass
from hashlib import sha256

import orjson
from pydantic import Field

from .call import Call, Next
from .options import Options
from .reply import Event, Outcome, Reply, replay


class CacheOptions(Options):
    """`ttl_s` 300 seconds from when the answer was complete; `max_entries` 10,000, the least recently used
    goes first.
    """

    ttl_s: float = Field(default=300.0, gt=0)
    max_entries: int = Field(default=10_000, ge=1)


def cache_key(call: Call) -> bytes:
    """The identity of an answer: SHA-256 of the canonical JSON of what decides it."""
    identity = [
        call.tenant,
        call.model,
        [[turn.role, turn.content, turn.tool_calls, turn.tool_call_id] for turn in call.messages],
        [call.max_tokens, call.temperature, call.top_p, call.stop, call.prefill],
        [[tool.name, tool.description, tool.parameters, tool.strict] for tool in call.tools],
        [call.tool_choice, call.parallel_tool_calls, call.json_schema, call.json_strict, call.residency],
    ]
    return sha256(orjson.dumps(identity)).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole answer, event by event, and until when it may be served."""

    events: tuple[Event, ...]
    expires_s: float


class EntryStore:
    """Least-recently-used entries with a time to live. Takes `now`, pure.

    Every entry lives equally long, so they expire in the order they were written: those at the front of that
    order are dropped with each write, and what nobody asks for again does not stay.
    """

    def __init__(self, options: CacheOptions) -> None:
        self._options = options
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._written: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> tuple[Event, ...] | None:
        """The answer's events, or None if it is unknown or too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.expires_s:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry.events

    def put(self, key: bytes, events: tuple[Event, ...], now: float) -> None:
        """Keep an answer; the expired ones go, and the least recently used one makes room."""
        self._drop_expired(now)
        expires_s = now + self._options.ttl_s
        self._entries[key] = Entry(events, expires_s)
        self._written.append((expires_s, key))
        self._entries.move_to_end(key)
        if len(self._entries) > self._options.max_entries:
            self._entries.popitem(last=False)

    def _drop_expired(self, now: float) -> None:
        while self._written and self._written[0][0] <= now:
            _, key = self._written.popleft()
            entry = self._entries.get(key)
            if entry is not None and now >= entry.expires_s:
                del self._entries[key]


class ExactCache:
    """Answers from memory when it can; otherwise listens to the answer going by and keeps it."""

    def __init__(self, options: CacheOptions) -> None:
        self._store = EntryStore(options)

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        key = cache_key(call)
        known = self._store.get(key, loop.time())
        if known is not None:
            call.facts.cache = "exact"
            return Reply(known[0], replay(known[1:]))
        call.facts.cache = "miss"
        reply = await next(call)
        events: list[Event] = []
        reply.tap(events.append)

        def keep(outcome: Outcome) -> None:
            if outcome.kind == "success":
                self._store.put(key, tuple(events), loop.time())

        reply.on_end(keep)
        return reply
