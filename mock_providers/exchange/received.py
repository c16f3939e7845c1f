"""One HTTP request as the server read it, and the instant at which it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

HeadersIn = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Received:
    """One HTTP request: header names in lower case, the last value of each query parameter."""

    method: str
    path: str
    headers: HeadersIn
    query: Mapping[str, str]
    body: bytes = b""

    def header(self, name: bytes) -> str:
        """The value of a header, "" when it is missing."""
        return self.headers.get(name, b"").decode("latin-1").strip()


class Instant(NamedTuple):
    """One instant on three clocks: the loop's, seconds since t = 0, and Unix time."""

    now: float
    t_s: float
    wall_s: float
