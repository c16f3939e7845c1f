"""The state and settings that all endpoints of one provider share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from ..batches.files import FileStore
from ..batches.store import BatchStore
from ..content.questions import Catalogue
from ..engine.state import Caller, ProviderState
from ..exchange.draws import Draws
from ..exchange.received import Instant
from ..exchange.request import Problem, Request, digest_of_bytes
from ..exchange.request_info import RequestInfo
from ..faults import apply_faults, matching_faults
from ..faults.base import FaultBase, Refusals, Target
from ..ledger.server_metrics import ServerMetrics
from ..model_names import Candidate, candidates, echoed, nearest
from ..plan import Plan, refusal
from ..profile import EmbeddingModel, Model, Profile
from ..scripts import Asked, Script, Selected, select
from ..wire.dialect import Dialect, Stamp
from ..wire.openai.vllm.token_ids import Vocabulary
from ..wire.rendering import JSON, Document, Rendering
from .decision import Decision, Exchange
from .messages.thread_store import ThreadStore
from .responses.store import ResponseStore


class Meant(NamedTuple):
    """The model that a request means.

    - `id`: its canonical id; of an unknown model the name in the request
    - `shown`: the name that the reply gives
    - `problem`: why it does not answer; None: it does
    - `retires_in_s`: the time until its retirement, if the provider announces one
    """

    id: str
    shown: str
    problem: Problem | None = None
    retires_in_s: float | None = None


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
        self._retirements = profile.retirements
        self._any_model = profile.any_model
        self._chat_names = candidates(self.provider.models)
        self._embedding_names = candidates(self.provider.embeddings)
        self.refusals = Refusals(self.errors, profile.error_latency_s)
        self.script: Script = ()
        self.catalogue = catalogue
        self.draws = draws
        self.state = ProviderState()
        self.files = FileStore()
        self.batches = BatchStore()
        self.threads = ThreadStore()
        self.metrics = ServerMetrics()
        self.vocabulary = Vocabulary()
        self.responses = ResponseStore()

    def refuse(self, info: RequestInfo, problem: Problem, instant: Instant) -> Decision:
        """The decision to answer with `problem`."""
        plan = refusal(problem, self.refusals.error_latency_s)
        return Decision(info, plan, Stamp(info.request_id, info.model, instant.wall_s))

    def meant(self, name: str, instant: Instant, *, any_name: bool = False) -> Meant:
        """The model for replies that a request means; `any_name`: an unknown name means the nearest model, as
        with the profile's `any_model`.
        """
        known = self.provider.canonical(name)
        return self._meant(name, known, self.provider.models, self._chat_names, instant, any_name)

    def meant_embedding(self, name: str, instant: Instant, *, any_name: bool = False) -> Meant:
        """The same for embedding models."""
        known = self.provider.canonical_embedding(name)
        return self._meant(name, known, self.provider.embeddings, self._embedding_names, instant, any_name)

    def _meant(
        self,
        name: str,
        known: str | None,
        models: Mapping[str, Model] | Mapping[str, EmbeddingModel],
        among: tuple[Candidate, ...],
        instant: Instant,
        any_name: bool,
    ) -> Meant:
        name = self.provider.bare(name)
        if known is None:
            id_ = nearest(name, among) if self._any_model or any_name else None
            return Meant(id_, name) if id_ else Meant(name, name, self.errors.unknown_model(name))
        model = models[known]
        meant = Meant(known, echoed(name, known, model))
        if self._retirements == "ignore" or model.retires_s is None:
            return meant
        left_s = model.retires_s - instant.wall_s
        if left_s <= 0 and self._retirements == "enforce":
            return meant._replace(problem=self.errors.model_retired(name))
        return meant._replace(retires_in_s=left_s)

    def caller(self, exchange: Exchange) -> Caller:
        """The API key and organisation of a request."""
        key = self.dialect.api_key(exchange.received)
        return Caller(exchange.info.key_id, self.provider.organization_of(key))

    def matching_faults(
        self, exchange: Exchange, model: str | None, draws: Draws, request: Request | None = None
    ) -> tuple[FaultBase, ...]:
        """The faults of the schedule that apply to this request, `request` if it is for a reply; `draws` are
        its own.
        """
        info = exchange.info
        target = Target(self.name, model, info.endpoint, info.key_id, info.region)
        if request is not None:
            target = target._replace(prefilled=bool(request.prefill), says_max_tokens=request.says_max_tokens)
        return matching_faults(exchange.faults, target, exchange.instant.t_s, draws, self.state.fault_counts)

    def scripted(self, exchange: Exchange, model_id: str, request: Request) -> Selected | None:
        """The entry of the script that answers this request, None for none."""
        if not self.script:
            return None
        names = (request.model, *self.provider.models[model_id].names(model_id))
        asked = Asked(self.name, names, exchange.info.endpoint, request)
        return select(self.script, asked, self.state.script_counts)

    def document(self, exchange: Exchange, content: bytes, content_type: bytes = JSON) -> Decision:
        """The decision to answer with `content`, free of charge, unless a fault replaces the reply."""
        latency_s = self.refusals.error_latency_s
        plan = Plan(200, "complete", latency_s, latency_s, billable=False)
        return self.free(exchange, plan, Document(content, content_type))

    def free(self, exchange: Exchange, plan: Plan, rendering: Rendering) -> Decision:
        """The decision to answer by `plan`, free of charge, unless a fault changes it."""
        received, instant = exchange.received, exchange.instant
        digest = digest_of_bytes(received.method.encode() + received.path.encode() + received.body)
        info = replace(exchange.info, prompt_digest=digest)
        nth = self.state.times_asked(info.endpoint, digest)
        self.state.count(info.endpoint, digest)
        draws = self.draws.under(self.name, info.endpoint, digest, nth)
        plan = apply_faults(
            self.matching_faults(exchange, info.model or None, draws),
            plan,
            self.refusals._replace(model=info.model),
        )
        stamp = Stamp(info.request_id, info.model, instant.wall_s)
        return Decision(info, plan, stamp, rendering)
