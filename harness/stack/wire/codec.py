"""The interface of a provider's wire protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..core.call import Call
from ..core.errors import ProviderError
from ..core.reply import Event, Finish, Usage


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP POST: the path below the base URL, headers (credentials included) and the body."""

    path: str
    headers: dict[str, str]
    body: bytes


class StreamDecoder(Protocol):
    """Turns the bytes of one streamed reply into events.

    `signs` counts the provider's events so far, those without a word (reasoning, pings) included.
    """

    signs: int

    @property
    def finished(self) -> bool:
        """Whether the finish reason is known: the answer is whole, the rest of the stream adds no word."""
        ...

    @property
    def reported_usage(self) -> Usage | None:
        """The usage reported so far, for the cost of a stream that breaks."""
        ...

    @property
    def service_tier(self) -> str:
        """The service tier named so far, "" for the standard one; for replies without usage."""
        ...

    def feed(self, received: bytes) -> list[Event]:
        """Events completed by these bytes. Raises `ProviderError` for in-band errors and malformed data."""
        ...

    def flush(self) -> list[Event]:
        """The body is over: events of a last part that is complete but for its blank line."""
        ...

    def whole(self) -> Finish | None:
        """The terminal event, once, if the finish reason is known: nothing that comes later can change the
        answer. None before, and after the terminal event.
        """
        ...

    def end(self) -> None:
        """The body is over. Raises `ProviderError("truncated")` unless the terminal event was emitted."""
        ...


class Codec(Protocol):
    """One protocol. Stateless; decoders hold a stream's state."""

    def request(self, call: Call, api_key: str) -> WireRequest:
        """The call in the provider's own message format, parameters and limits."""
        ...

    def decoder(self) -> StreamDecoder: ...

    def parse(self, body: bytes) -> list[Event]:
        """The events of a whole JSON reply: at most one `Delta`, a `ToolDelta` a tool call, then `Finish`."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an HTTP error response stands for."""
        ...

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        """The tokens that the provider counts against its rate limit when a request arrives."""
        ...
