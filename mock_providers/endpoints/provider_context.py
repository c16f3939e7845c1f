"""The state and settings that all endpoints of one provider share."""

from dataclasses import replace

from ..batches.files import FileStore
from ..batches.store import BatchStore
from ..content.questions import Catalogue
from ..engine.state import Caller, ProviderState
from ..exchange.draws import Draws
from ..exchange.received import Instant
from ..exchange.request import Problem, digest_of_bytes
from ..exchange.request_info import RequestInfo
from ..faults import apply_faults, matching_faults
from ..faults.base import FaultBase, Refusals, Target
from ..plan import Plan, refusal
from ..profile import Profile
from ..wire.dialect import Dialect, Stamp
from ..wire.rendering import JSON, Document
from .decision import Decision, Exchange


class ProviderContext:
    """One provider of a profile, since the last reset."""

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
        """The API key and organisation of a request."""
        key = self.dialect.api_key(exchange.received)
        return Caller(exchange.info.key_id, self.provider.organization_of(key))

    def matching_faults(
        self, exchange: Exchange, model: str | None, draws: Draws, *, prefilled: bool = False
    ) -> tuple[FaultBase, ...]:
        """The faults of the schedule that apply to this request; `draws` are the request's own."""
        info = exchange.info
        target = Target(self.name, model, info.endpoint, info.key_id, info.region, prefilled)
        return matching_faults(exchange.faults, target, exchange.instant.t_s, draws, self.state.fault_counts)

    def document(self, exchange: Exchange, content: bytes, content_type: bytes = JSON) -> Decision:
        """The decision to answer with `content`, free of charge, unless a fault replaces the reply."""
        received, instant = exchange.received, exchange.instant
        digest = digest_of_bytes(received.method.encode() + received.path.encode() + received.body)
        info = replace(exchange.info, prompt_digest=digest)
        nth = self.state.times_asked(info.endpoint, digest)
        self.state.count(info.endpoint, digest)
        draws = self.draws.under(self.name, info.endpoint, digest, nth)
        latency_s = self.refusals.error_latency_s
        plan = Plan(200, "complete", latency_s, latency_s, billable=False)
        plan = apply_faults(
            self.matching_faults(exchange, info.model or None, draws),
            plan,
            self.refusals._replace(model=info.model),
        )
        stamp = Stamp(info.request_id, info.model, instant.wall_s)
        return Decision(info, plan, stamp, Document(content, content_type))
