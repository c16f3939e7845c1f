"""What all endpoints of one provider share: who it is, what it remembers, and how a decision looks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..batches.files import FileStore
from ..batches.store import BatchStore
from ..content.answers import Catalogue
from ..engine.state import Admission, Caller, ProviderState
from ..exchange.draws import Draws
from ..exchange.received import Instant, Received
from ..exchange.request import Problem, Request, digest_of_bytes
from ..exchange.request_info import RequestInfo
from ..faults import apply_faults, matching_faults
from ..faults.base import FaultBase, Refusals, Target
from ..plan import Plan, refusal
from ..prices import Prices
from ..profile import Profile
from ..wire.dialect import Codec, Dialect, Frames, Params, Stamp

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


class ProviderContext:
    """One provider of a profile since the last reset."""

    def __init__(
        self, name: str, profile: Profile, dialect: Dialect, catalogue: Catalogue, draws: Draws
    ) -> None:
        self.name = name
        self.provider = profile.providers[name]
        self.dialect = dialect
        self.errors = self.dialect.errors
        self.reply_length = profile.reply_length
        self.refusals = Refusals(self.errors, profile.error_latency_s)
        self.catalogue = catalogue
        self.draws = draws
        self.state = ProviderState()
        self.files = FileStore()
        self.batches = BatchStore()

    def refuse(self, info: RequestInfo, problem: Problem, instant: Instant) -> Decision:
        """The decision to answer with `problem`."""
        plan = refusal(problem, self.refusals.error_latency_s)
        return Decision(info, plan, Stamp(info.request_id, info.model, instant.wall_s))

    def caller(self, exchange: Exchange) -> Caller:
        """Who asks."""
        key = self.dialect.api_key(exchange.received)
        return Caller(exchange.info.key_id, self.provider.organization_of(key))

    def matching_faults(self, exchange: Exchange, model: str | None, draws: Draws) -> tuple[FaultBase, ...]:
        """The faults that strike this request; `draws` are its own."""
        info = exchange.info
        target = Target(self.name, model, info.endpoint, info.key_id, info.region)
        return matching_faults(exchange.faults, target, exchange.instant.t_s, draws, self.state.fault_counts)

    def hand_out(self, exchange: Exchange, content: bytes, content_type: bytes = JSON) -> Decision:
        """The decision to answer at once, free of charge, unless a fault strikes."""
        received, instant = exchange.received, exchange.instant
        digest = digest_of_bytes(received.method.encode() + received.path.encode() + received.body)
        info = replace(exchange.info, prompt_digest=digest)
        nth = self.state.times_asked(info.endpoint, digest)
        self.state.count(info.endpoint, digest)
        draws = self.draws.under(self.name, info.endpoint, digest, nth)
        latency_s = self.refusals.error_latency_s
        plan = Plan(200, "complete", latency_s, latency_s, billable=False)
        plan = apply_faults(self.matching_faults(exchange, info.model or None, draws), plan, self.refusals)
        stamp = Stamp(info.request_id, info.model, instant.wall_s)
        return Decision(info, plan, stamp, Document(content, content_type))
