"""A reply: the first event has arrived, the rest is read from it, and it ends exactly once.

Whoever holds something for the length of a reply (a limiter permit, a ledger row) registers `on_end`; whoever
wants to see the events registers `tap`. A layer that does neither returns the inner reply as it is and costs
nothing per chunk.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, Self

from .wire.meters import Meters


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them. `input_tokens` includes the cached ones, for every provider."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0


class Delta(NamedTuple):
    """A piece of the answer's text."""

    text: str


class Finish(NamedTuple):
    """The terminal event: `reason` in OpenAI's words (stop, length, content_filter), `usage` if told."""

    reason: str
    usage: Usage | None


Event = Delta | Finish


class EventSource(Protocol):
    """Where events come from: an async generator, or anything of its shape."""

    def __anext__(self) -> Coroutine[Any, Any, Event]: ...
    def aclose(self) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended. `chars` is the text received until then, the base of an estimate without usage."""

    kind: Literal["success", "failed", "abandoned"]
    finish: Finish | None
    chars: int
    error: Exception | None = None

    @property
    def usage(self) -> Usage | None:
        return None if self.finish is None else self.finish.usage


Settle = Callable[[Outcome], None]
Tap = Callable[[Event], None]


class Reply:
    """An async iterator of events that settles exactly once, whoever stops reading and however.

    `first` is the event that committed it; `source` gives the others. Reading to the end is a success at the
    `Finish` event; an error from the source is a failure; `aclose()` or a cancelled reader abandons it.
    `meters` is what the provider's headers said about its rate limits.
    """

    __slots__ = ("_chars", "_first", "_outcome", "_settlers", "_source", "_taps", "meters")

    def __init__(self, first: Event, source: EventSource, meters: Meters | None = None) -> None:
        self.meters = meters
        self._first: Event | None = first
        self._source = source
        self._settlers: list[Settle] = []
        self._taps: list[Tap] = []
        self._chars = 0
        self._outcome: Outcome | None = None

    def on_end(self, settle: Settle) -> None:
        """Call `settle` once when the reply ends. Inner layers registered first, so they settle first."""
        self._settlers.append(settle)

    def tap(self, see: Tap) -> None:
        """Call `see` with each event as the reader gets it."""
        self._taps.append(see)

    def through(self, wrap: Callable[[EventSource], EventSource]) -> None:
        """Put a wrapper between the source and the reader (deadlines between events, for instance)."""
        self._source = wrap(self._source)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it goes on."""
        return self._outcome

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._first is not None:
            event, self._first = self._first, None
        else:
            try:
                event = await self._source.__anext__()
            except StopAsyncIteration:
                raise
            except Exception as error:
                self._settle(Outcome("failed", None, self._chars, error))
                raise
            except asyncio.CancelledError:
                self._settle(Outcome("abandoned", None, self._chars))
                raise
        if type(event) is Delta:
            self._chars += len(event.text)
        for see in self._taps:
            see(event)
        if type(event) is Finish:
            self._settle(Outcome("success", event, self._chars))
        return event

    async def aclose(self) -> None:
        """Stop reading and release what the reply holds. Closing an ended reply does nothing.

        The source goes first: a reply within this one has settled by the time this one does.
        """
        try:
            await self._source.aclose()
        finally:
            self._settle(Outcome("abandoned", None, self._chars))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def text(self) -> tuple[str, Finish]:
        """Read to the end: the whole text and the terminal event."""
        pieces: list[str] = []
        finish: Finish | None = None
        async for event in self:
            if isinstance(event, Delta):
                pieces.append(event.text)
            else:
                finish = event
        if finish is None:
            raise RuntimeError("a source ended without its Finish event and without an error")
        return "".join(pieces), finish

    def _settle(self, outcome: Outcome) -> None:
        if self._outcome is not None:
            return
        self._outcome = outcome
        for settle in self._settlers:
            settle(outcome)


async def replay(events: tuple[Event, ...]) -> AsyncGenerator[Event]:
    """Recorded events as a source."""
    for event in events:
        yield event
