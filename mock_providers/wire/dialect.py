"""Interfaces of a wire protocol: a `Dialect` per provider, a `Codec` per generating endpoint.

Implementations belong to one provider and are pure: the same arguments give the same bytes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from ..errors import Errors
from ..exchange.bad_field import BadField
from ..exchange.received import HeadersIn, Received
from ..exchange.request import Problem, Refused, Request
from ..plan import Piece, Plan
from .edit import Edits
from .fields import loads

T = TypeVar("T")
HeadersOut = list[tuple[bytes, bytes]]
Params = Mapping[str, str]
"""Values of the variable parts of a path, by name."""
MODELS_SINCE_S = 1_735_689_600
"""Creation time of every model in the lists of models (Unix s): 2025-01-01."""


class Stamp(NamedTuple):
    """Identity of one reply: the provider's request id, the model's canonical id, its time (Unix s)."""

    request_id: str
    model: str
    wall_s: float


class Frames(Protocol):
    """The bytes of a streamed reply, to be read in this order, each once: `head` before the content, `piece`
    for each chunk, `finish` up to the finish reason, `tail` after it.
    """

    @property
    def head(self) -> bytes: ...
    @property
    def finish(self) -> bytes: ...
    @property
    def tail(self) -> bytes: ...

    def piece(self, piece: Piece) -> bytes:
        """The bytes of one content chunk; b"" when the protocol sends nothing for it yet."""
        ...


class Codec(Protocol):
    """Reads the requests of a generating endpoint and writes its replies; `edits`: the quirks it can have."""

    @property
    def edits(self) -> Edits: ...

    def parse(self, received: Received, params: Params) -> Request:
        """Read a request; raises Refused with the provider's error."""
        ...

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        ...

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """The server-sent events of a reply."""
        ...


class OwnFailures(ABC):
    """A codec whose replies have their own form for an in-band error; others send the dialect's error."""

    @abstractmethod
    def failed_body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply that the plan's in-band error ends."""

    @abstractmethod
    def error_event(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The server-sent events of the plan's in-band error."""


class Dialect(Protocol):
    """API keys, response headers, errors and models of one provider."""

    @property
    def errors(self) -> Errors: ...

    def api_key(self, received: Received) -> str:
        """The client's API key, "" without one."""
        ...

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Response headers, without content-type and content-length."""
        ...

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of an error."""
        ...

    def error_event(self, problem: Problem, request_id: str) -> bytes:
        """The error as a server-sent event, inside a stream."""
        ...

    def models_body(self, model_ids: Iterable[str]) -> bytes:
        """The JSON of the list of models."""
        ...

    def model_body(self, model_id: str) -> bytes:
        """The JSON of one model."""
        ...


def parse_json(body: bytes, read: Callable[[Any], T], errors: Errors) -> T:
    """`read` applied to the JSON value of `body`.

    Raises Refused: `errors.bad_field` for a BadField of `read`, `errors.bad_json` for any other ValueError.
    """
    try:
        return read(loads(body))
    except BadField as bad:
        raise Refused(errors.bad_field(bad)) from None
    except ValueError:
        raise Refused(errors.bad_json()) from None


def should_retry_headers(problem: Problem) -> HeadersOut:
    """`x-should-retry`, where the provider sends it: the official SDKs obey it above all else."""
    if problem.should_retry is None:
        return []
    return [(b"x-should-retry", b"true" if problem.should_retry else b"false")]


def bearer(headers: HeadersIn) -> str:
    """The token of `Authorization: Bearer <token>`, "" without one."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
