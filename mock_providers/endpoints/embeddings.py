"""Embeddings: a vector for each text, after the model's latency, at the price of the input."""

from dataclasses import dataclass, replace

from ..content.embeddings import embed, shortened
from ..content.questions import Catalogue
from ..engine.state import OUTSIDE_LIMITS
from ..exchange.request import Problem
from ..faults import apply_faults
from ..limits.limits import Demand
from ..plan import Plan, refusal
from ..profile import EmbeddingModel
from ..wire.dialect import Frames, Stamp
from ..wire.fields import BadField
from ..wire.openai.embeddings import EmbeddingRequest, embeddings_body, parse_embeddings
from ..wire.openai.errors import OpenAIErrors
from .provider_context import JSON, Decision, Desk, Incoming

_MOST_TOKENS = 300_000
"""Of all inputs of a request together: OpenAI's documented limit, used for all."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The reply; its vectors are made when it is written."""

    request: EmbeddingRequest
    model_id: str
    model: EmbeddingModel
    catalogue: Catalogue
    content_type: bytes = JSON

    def body(self, plan: Plan) -> bytes:
        """The JSON of the whole reply."""
        model, request = self.model, self.request
        dimensions = request.dimensions or model.dimensions
        vectors = (
            shortened(embed(text, self.catalogue, model.dimensions, model.separability), dimensions)
            for text in request.texts
        )
        return embeddings_body(vectors, self.model_id, plan.input_tokens, as_base64=request.as_base64)

    def frames(self, plan: Plan) -> Frames:
        """Never asked for."""
        raise TypeError("embeddings are not streamed")


class Embeddings:
    """`POST /v1/embeddings`; a `lenient` provider takes request fields that it does not know."""

    name = "embeddings"

    def __init__(self, errors: OpenAIErrors, *, lenient: bool = False) -> None:
        self._errors = errors
        self._lenient = lenient

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """The vectors, or why there are none; raises Refused for a request that cannot be read."""
        request = parse_embeddings(incoming.received, self._errors, lenient=self._lenient)
        model_id = desk.provider.canonical_embedding(request.model)
        name = model_id or request.model
        incoming = replace(incoming, asked=replace(incoming.asked, model=name, prompt_digest=request.digest))
        if model_id is None:
            return desk.refuse(incoming.asked, desk.errors.unknown_model(name), incoming.moment)
        model = desk.provider.embeddings[model_id]
        if problem := self._misfit(request, model):
            return desk.refuse(incoming.asked, problem, incoming.moment)
        return _admitted(desk, incoming, request, model_id, model)

    def _misfit(self, request: EmbeddingRequest, model: EmbeddingModel) -> Problem | None:
        longest = max(request.counts)
        if longest > model.max_input_tokens:
            return self._errors.prompt_too_long(longest, 0, model.max_input_tokens)
        if sum(request.counts) > _MOST_TOKENS:
            message = (
                f"requested {sum(request.counts)} tokens, at most {_MOST_TOKENS} are taken in one request."
            )
            return self._errors.bad_field(BadField(("input",), "unsupported", message))
        if (request.dimensions or 1) > model.dimensions:
            message = f"this model has {model.dimensions} dimensions."
            return self._errors.bad_field(BadField(("dimensions",), "unsupported", message))
        return None


def _admitted(
    desk: Desk, incoming: Incoming, request: EmbeddingRequest, model_id: str, model: EmbeddingModel
) -> Decision:
    asked, moment = incoming.asked, incoming.moment
    stamp = Stamp(asked.request_id, model_id, moment.wall_s)
    input_tokens = sum(request.counts)
    admission = OUTSIDE_LIMITS
    if asked.batch_id is None:
        customer, demand = desk.customer(incoming), Demand(input_tokens)
        admission = desk.state.admit(customer, model_id, model.limits, demand, moment.now)
    verdict = admission.verdict
    if verdict.refused_by is not None:
        problem = desk.errors.rate_limited(verdict, model_id)
        return Decision(asked, refusal(problem, desk.scene.error_latency_s, verdict.meters), stamp)
    nth = desk.state.times_asked(model_id, request.digest)
    desk.state.count(model_id, request.digest)
    draws = desk.draws.under(desk.name, model_id, request.digest, nth)
    took_s = model.latency.draw(draws.rng("embedding"))
    plan = Plan(200, "complete", took_s, took_s, input_tokens=input_tokens, meters=verdict.meters)
    plan = apply_faults(desk.struck(incoming, model_id, draws), plan, desk.scene)
    reply = Embedded(request, model_id, model, desk.catalogue)
    return Decision(asked, plan, stamp, reply, model.price, admission if admission.permit else None)
