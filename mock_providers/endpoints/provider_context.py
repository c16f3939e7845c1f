"""What all endpoints of one provider share: who it is, what it remembers, and how a decision looks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..batches.files import FileStore
from ..batches.store import BatchStore
from ..content.answers import Catalogue
from ..engine.state import Admission, Caller, ProviderState
from ..exchange.draws import Draws
from ..exchange.received import Moment, Received
from ..exchange.request import Problem, Request, digest_of_bytes
from ..faults import apply_faults, struck
from ..faults.base import FaultBase, Scene, Target
from ..ledger.ledger import Asked
from ..plan import Plan, refusal
from ..profile import Prices, Profile
from ..wire import dialect_of
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

    asked: Asked
    plan: Plan
    stamp: Stamp
    rendering: Rendering | None = None
    price: Prices | None = None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to an endpoint; `params` are the variable parts of its path, `faults` the schedule."""

    asked: Asked
    received: Received
    params: Params
    moment: Moment
    faults: Sequence[FaultBase]


class ProviderContext:
    """One provider of a profile since the last reset."""

    def __init__(self, name: str, profile: Profile, catalogue: Catalogue, draws: Draws) -> None:
        self.name = name
        self.provider = profile.providers[name]
        self.dialect = dialect_of(self.provider)
        self.errors = self.dialect.errors
        self.reply_length = profile.reply_length
        self.scene = Scene(self.errors, profile.error_latency_s)
        self.catalogue = catalogue
        self.draws = draws
        self.state = ProviderState()
        self.files = FileStore()
        self.batches = BatchStore()

    def refuse(self, asked: Asked, problem: Problem, moment: Moment) -> Decision:
        """The decision to answer with `problem`."""
        plan = refusal(problem, self.scene.error_latency_s)
        return Decision(asked, plan, Stamp(asked.request_id, asked.model, moment.wall_s))

    def caller(self, exchange: Exchange) -> Caller:
        """Who asks."""
        key = self.dialect.api_key(exchange.received)
        return Caller(exchange.asked.key_id, self.provider.organization_of(key))

    def struck(self, exchange: Exchange, model: str | None, draws: Draws) -> tuple[FaultBase, ...]:
        """The faults that strike this request; `draws` are its own."""
        asked = exchange.asked
        target = Target(self.name, model, asked.endpoint, asked.key_id, asked.region)
        return struck(exchange.faults, target, exchange.moment.t_s, draws, self.state.fault_counts)

    def hand_out(self, exchange: Exchange, content: bytes, content_type: bytes = JSON) -> Decision:
        """The decision to answer at once, free of charge, unless a fault strikes."""
        received, moment = exchange.received, exchange.moment
        digest = digest_of_bytes(received.method.encode() + received.path.encode() + received.body)
        asked = replace(exchange.asked, prompt_digest=digest)
        nth = self.state.times_asked(asked.endpoint, digest)
        self.state.count(asked.endpoint, digest)
        draws = self.draws.under(self.name, asked.endpoint, digest, nth)
        latency_s = self.scene.error_latency_s
        plan = Plan(200, "complete", latency_s, latency_s, billable=False)
        plan = apply_faults(self.struck(exchange, asked.model or None, draws), plan, self.scene)
        stamp = Stamp(asked.request_id, asked.model, moment.wall_s)
        return Decision(asked, plan, stamp, Document(content, content_type))
