"""One request to an endpoint, and the decision about it: its plan, and how the plan becomes bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..engine.state import Admission
from ..exchange.received import Instant, Received
from ..exchange.request import Request
from ..exchange.request_info import RequestInfo
from ..faults.base import FaultBase
from ..plan import Plan
from ..prices import Prices
from ..wire.dialect import Codec, Frames, Params, Stamp

JSON = b"application/json"


class Rendering(Protocol):
    """How the content of a plan goes over the wire."""

    @property
    def content_type(self) -> bytes: ...

    def body(self, plan: Plan) -> bytes:
        """The whole reply in one."""
        ...

    def frames(self, plan: Plan) -> Frames:
        """The reply as a stream."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request for one, by its endpoint's codec."""

    codec: Codec
    request: Request
    stamp: Stamp
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The JSON of the whole reply."""
        return self.codec.body(self.request, plan, self.stamp)

    def frames(self, plan: Plan) -> Frames:
        """The server-sent events of the reply."""
        return self.codec.frames(self.request, plan, self.stamp)


@dataclass(frozen=True, slots=True)
class Document:
    """A body that was made beforehand; it has no stream."""

    content: bytes
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The body."""
        return self.content

    def frames(self, plan: Plan) -> Frames:
        """Never asked for."""
        raise TypeError("a document is not streamed")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is going to happen to one request.

    - `rendering`: the bytes of what is not a refusal
    - `price`: what the model's tokens cost; None: free of charge
    - `admission`: what the limits and slots want back when the request has ended; None: nothing
    """

    info: RequestInfo
    plan: Plan
    stamp: Stamp
    rendering: Rendering | None = None
    price: Prices | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint; `params` are the variable parts of its path, `faults` the schedule."""

    info: RequestInfo
    received: Received
    params: Params
    instant: Instant
    faults: Sequence[FaultBase]
