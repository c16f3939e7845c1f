"""What every wire protocol offers: a provider's headers and refusals, and a codec for each kind of request.

Dialects and codecs belong to one provider and are pure: the same arguments give the same bytes.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from ..errors import Errors
from ..exchange.received import HeadersIn, Received
from ..exchange.request import Problem, Request
from ..plan import Piece, Plan

HeadersOut = list[tuple[bytes, bytes]]
Params = Mapping[str, str]
"""What the variable parts of a path say, by name."""
MODELS_SINCE_S = 1_735_689_600
"""When the models came to be, as the lists of models tell it (Unix s): all at once, whoever asks when."""


class Stamp(NamedTuple):
    """What marks one reply: the provider's request id, the model's canonical id, the wall time (Unix s)."""

    request_id: str
    model: str
    wall_s: float


class Frames(Protocol):
    """The parts of a streamed reply: what precedes the content, each piece of it, what follows."""

    head: bytes
    tail: bytes

    def piece(self, piece: Piece) -> bytes:
        """One content chunk."""
        ...


class Codec(Protocol):
    """An endpoint that gives replies: how its requests are read and its replies written."""

    def parse(self, received: Received, params: Params) -> Request:
        """Read a request for a reply; raises Refused with the provider's own problem."""
        ...

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        ...

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """The server-sent events of a reply."""
        ...


class Dialect(Protocol):
    """What is common to all endpoints of one provider."""

    @property
    def errors(self) -> Errors: ...

    def api_key(self, received: Received) -> str:
        """The client's key, "" without one."""
        ...

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Response headers, without content-type and content-length."""
        ...

    def error_body(self, problem: Problem, request_id: str) -> bytes: ...
    def error_event(self, problem: Problem, request_id: str) -> bytes: ...
    def models_body(self, model_ids: Iterable[str]) -> bytes: ...
    def model_body(self, model_id: str) -> bytes: ...


def should_retry_headers(problem: Problem) -> HeadersOut:
    """`x-should-retry`, which the official SDKs obey above all, where the provider sends it."""
    if problem.should_retry is None:
        return []
    return [(b"x-should-retry", b"true" if problem.should_retry else b"false")]


def bearer(headers: HeadersIn) -> str:
    """The token of `Authorization: Bearer <token>`, "" without one."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
