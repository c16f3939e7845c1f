"""What a provider's protocol must be able to do for us: the shape that each codec file fills."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..core.call import Call
from ..core.errors import ProviderError
from ..core.reply import Event, Usage


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP POST: the path below the base URL, headers (credentials included) and the body."""

    path: str
    headers: dict[str, str]
    body: bytes


class StreamDecoder(Protocol):
    """Turns the bytes of one streamed reply into events."""

    @property
    def told(self) -> Usage | None:
        """What the provider has said of usage so far: what a cut stream's prompt cost need not be guessed."""
        ...

    def feed(self, received: bytes) -> list[Event]:
        """Events completed by these bytes. Raises `ProviderError` for in-band errors and malformed data."""
        ...

    def end(self) -> None:
        """The body is over. Raises `ProviderError("truncated")` unless the terminal event was seen."""
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
        """What an HTTP error reply means."""
        ...

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        """What this provider counts against its token limit when a request arrives."""
        ...
