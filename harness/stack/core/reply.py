"""A reply: its first event has arrived, the rest is read from it, and it ends exactly once.

A layer that holds something for the length of a reply (a limiter permit, a ledger row) registers `on_end`; a
layer that reads the events registers `tap`. A layer that does neither returns the inner reply as it is and
costs nothing per chunk.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol, Self

from .rate_meters import Meters

STANDARD_TIERS = frozenset(("auto", "default", "on_demand", "standard"))
"""Names of the standard service tier: OpenAI's, Anthropic's and Groq's."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them, in one shape for every provider.

    `input_tokens` includes `cached_input_tokens` (read from the prompt cache), `cache_write_tokens` (written
    to it with the default lifetime) and `cache_write_1h_tokens`; `output_tokens` includes reasoning.
    `service_tier` is the tier that the reply names and that is billed, "" for the standard one.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    service_tier: str = ""


class Delta(NamedTuple):
    """A piece of the answer's text; `thought` is the reasoning that the provider showed before it."""

    text: str
    thought: str = ""


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A piece of a tool call: the first of each `index` has its id and name, all may have arguments.

    `thought` is the reasoning that the provider showed before it.
    """

    index: int
    id: str
    name: str
    arguments: str
    thought: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole tool call; `arguments` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


FILTERED = "content_filter"
"""The finish reason of an answer that the provider's filter cut or replaced, and of a refusal in words."""


class Finish(NamedTuple):
    """The terminal event. `reason` is OpenAI's word (stop, length, tool_calls, content_filter); `usage` is
    None if the provider did not report it, or reported what cannot be true.
    """

    reason: str
    usage: Usage | None


Event = Delta | ToolDelta | Finish


def after_thought(event: Event, thought: str) -> Event:
    """The event with the reasoning before it; an end without a word has none."""
    if isinstance(event, Delta):
        return event._replace(thought=thought)
    return replace(event, thought=thought) if isinstance(event, ToolDelta) else event


class EventSource(Protocol):
    """A source of events: an async generator, or anything of its shape."""

    def __anext__(self) -> Coroutine[Any, Any, Event]: ...
    def aclose(self) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended. `chars` counts the text received until then, tool calls included: the basis of an
    estimate when usage is unknown. `words`: whether any of it was a tool call or more than white space.
    """

    kind: Literal["success", "failed", "abandoned"]
    finish: Finish | None
    chars: int
    error: Exception | None = None
    words: bool = True

    @property
    def usage(self) -> Usage | None:
        return None if self.finish is None else self.finish.usage

    @property
    def answer(self) -> str:
        """As `kind`, and a success told apart: "filtered" by the provider, "empty" of words, or "success"."""
        if self.finish is None:
            return self.kind
        if self.finish.reason == FILTERED:
            return "filtered"
        return "success" if self.words else "empty"


Settle = Callable[[Outcome], None]
Tap = Callable[[Event], None]


class Reply:
    """An async iterator of events that settles exactly once, however reading ends.

    `first` is the event that committed the reply; `source` gives the others. The `Finish` event is a success,
    an error from the source a failure; `aclose()` or a cancelled reader abandons the reply. `meters` are the
    rate limits in the provider's headers.
    """

    __slots__ = ("_chars", "_first", "_outcome", "_settlers", "_source", "_taps", "_words", "meters")

    def __init__(self, first: Event, source: EventSource, meters: Meters | None = None) -> None:
        self.meters = meters
        self._first: Event | None = first
        self._source = source
        self._settlers: list[Settle] = []
        self._taps: list[Tap] = []
        self._chars = 0
        self._words = False
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
        elif type(event) is ToolDelta:
            self._chars += len(event.name) + len(event.arguments)
        if not self._words:
            self._words = is_word(event)
        for see in self._taps:
            see(event)
        if type(event) is Finish:
            self._settle(Outcome("success", event, self._chars, words=self._words))
        return event

    async def aclose(self) -> None:
        """Stop reading and release what the reply holds. Closing an ended reply does nothing.

        The source is closed first, so an inner reply settles before this one.
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
        answer = await self.answer()
        return answer.text, answer.finish

    async def answer(self) -> "Answer":
        """Read to the end: text, tool calls and the terminal event."""
        return Answer.of([event async for event in self])

    def _settle(self, outcome: Outcome) -> None:
        if self._outcome is not None:
            return
        self._outcome = outcome
        for settle in self._settlers:
            settle(outcome)


class Answer(NamedTuple):
    """A whole reply; `thought` is the reasoning that the provider showed."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    thought: str = ""

    @classmethod
    def of(cls, events: Sequence[Event]) -> Self:
        """The pieces put together; tool calls by their index, in the order in which they began."""
        calls: dict[int, list[ToolDelta]] = {}
        for event in events:
            if isinstance(event, ToolDelta):
                calls.setdefault(event.index, []).append(event)
        ends = [event for event in events if isinstance(event, Finish)]
        if not ends:
            raise RuntimeError("a source ended without its Finish event and without an error")
        text = "".join(event.text for event in events if isinstance(event, Delta))
        thought = "".join(event.thought for event in events if not isinstance(event, Finish))
        return cls(text, tuple(map(_tool_call, calls.values())), ends[-1], thought)


def _tool_call(pieces: Sequence[ToolDelta]) -> ToolCall:
    return ToolCall(pieces[0].id, pieces[0].name, "".join(piece.arguments for piece in pieces))


def is_word(event: Event) -> bool:
    """Whether an event is a part of an answer: of a tool call, or text that is more than white space."""
    return type(event) is ToolDelta or (type(event) is Delta and bool(event.text.strip()))


def worth_keeping(events: Sequence[Event], max_tokens: int | None) -> bool:
    """Whether these events are a whole answer with words in it, which a cache may serve again.

    One that was cut for its length is whole if the caller set that length (`max_tokens`).
    """
    end = events[-1] if events else None
    if not isinstance(end, Finish) or not any(map(is_word, events)):
        return False
    return end.reason in ("stop", "tool_calls") or (end.reason == "length" and max_tokens is not None)


async def replay(events: tuple[Event, ...]) -> AsyncGenerator[Event]:
    """Recorded events as a source."""
    for event in events:
        yield event
