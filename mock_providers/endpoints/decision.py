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
    """The bytes of a reply: the codec's for a generated one, a document's for the others."""

    @property
    def content_type(self) -> bytes: ...

    def body(self, plan: Plan) -> bytes:
        """The whole reply."""
        ...

    def frames(self, plan: Plan) -> Frames:
        """The reply as a stream."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A generated reply, written by its endpoint's codec."""

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
    """A reply body that does not depend on the plan; it cannot be streamed."""

    content: bytes
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The content."""
        return self.content

    def frames(self, plan: Plan) -> Frames:
        """Raises TypeError."""
        raise TypeError("a document is not streamed")


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one request.

    - `rendering`: the bytes of the reply; None: the plan is an error
    - `price`: of the model's tokens; None: free of charge
    - `admission`: to settle with limits and slots when the request ends; None: nothing to settle
    """

    info: RequestInfo
    plan: Plan
    stamp: Stamp
    rendering: Rendering | None = None
    price: Prices | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint; `params`: variable parts of its path, `faults`: the whole schedule."""

    info: RequestInfo
    received: Received
    params: Params
    instant: Instant
    faults: Sequence[FaultBase]
