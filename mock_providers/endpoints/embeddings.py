"""Embeddings: a vector for each text, after the model's latency, at the price of the input tokens."""

from dataclasses import dataclass, replace

from ..content.embeddings import embed, shortened
from ..content.questions import Catalogue
from ..engine.state import OUTSIDE_LIMITS
from ..exchange.bad_field import BadField
from ..exchange.request import Problem
from ..faults import apply_faults
from ..limits.limits import Demand
from ..plan import Plan, refusal
from ..profile import EmbeddingModel
from ..wire.dialect import Frames, Stamp
from ..wire.openai.embeddings import EmbeddingRequest, embeddings_body, parse_embeddings
from ..wire.openai.errors import OpenAIErrors
from ..wire.rendering import JSON, UsualFailures
from .decision import Decision, Exchange
from .provider_context import ProviderContext

_MOST_TOKENS = 300_000
"""Limit on all inputs of a request together: OpenAI documents it, used for every provider."""


@dataclass(frozen=True, slots=True)
class EmbeddingsReply(UsualFailures):
    """The reply; the vectors are computed when it is written."""

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
        """Raises TypeError."""
        raise TypeError("embeddings are not streamed")


class Embeddings:
    """`POST /v1/embeddings`; a `lenient` provider ignores unknown request fields."""

    name = "embeddings"

    def __init__(self, errors: OpenAIErrors, *, lenient: bool = False) -> None:
        self._errors = errors
        self._lenient = lenient

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Embed or refuse; raises Refused for a request that cannot be parsed."""
        request = parse_embeddings(exchange.received, self._errors, lenient=self._lenient)
        model_id = context.provider.canonical_embedding(request.model)
        name = model_id or request.model
        exchange = replace(exchange, info=replace(exchange.info, model=name, prompt_digest=request.digest))
        if model_id is None:
            return context.refuse(exchange.info, context.errors.unknown_model(name), exchange.instant)
        model = context.provider.embeddings[model_id]
        if problem := self._size_problem(request, model):
            return context.refuse(exchange.info, problem, exchange.instant)
        return _admitted(context, exchange, request, model_id, model)

    def _size_problem(self, request: EmbeddingRequest, model: EmbeddingModel) -> Problem | None:
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
    context: ProviderContext,
    exchange: Exchange,
    request: EmbeddingRequest,
    model_id: str,
    model: EmbeddingModel,
) -> Decision:
    info, instant = exchange.info, exchange.instant
    stamp = Stamp(info.request_id, model_id, instant.wall_s)
    input_tokens = sum(request.counts)
    admission = OUTSIDE_LIMITS
    if info.batch_id is None:
        caller, demand = context.caller(exchange), Demand(input_tokens)
        admission = context.state.admit(caller, model_id, model.limits, demand, instant.now)
    verdict = admission.verdict
    if verdict.refused_by is not None:
        problem = context.errors.rate_limited(verdict, model_id)
        return Decision(info, refusal(problem, context.refusals.error_latency_s, verdict.meters), stamp)
    nth = context.state.times_asked(model_id, request.digest)
    context.state.count(model_id, request.digest)
    draws = context.draws.under(context.name, model_id, request.digest, nth)
    took_s = model.latency.draw(draws.rng("embedding"))
    plan = Plan(200, "complete", took_s, took_s, input_tokens=input_tokens, meters=verdict.meters)
    plan = apply_faults(context.matching_faults(exchange, model_id, draws), plan, context.refusals)
    reply = EmbeddingsReply(request, model_id, model, context.catalogue)
    return Decision(info, plan, stamp, reply, model.price, admission if admission.permit else None)
