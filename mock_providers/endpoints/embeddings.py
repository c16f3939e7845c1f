"""Embeddings: a vector for each text, after the model's latency, at the price of the input tokens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..content.embeddings import Vector, embed, shortened
from ..content.questions import Catalogue
from ..engine.state import OUTSIDE_LIMITS
from ..errors import Errors
from ..exchange.bad_field import BadField
from ..exchange.received import Received
from ..exchange.request import Problem
from ..faults import apply_faults
from ..limits.limits import Demand
from ..plan import Plan, refusal
from ..profile import EmbeddingModel
from ..wire.dialect import Frames, Params, Stamp
from ..wire.embedding_request import EmbeddingRequest
from ..wire.rendering import JSON, UsualFailures
from .decision import Decision, Exchange
from .provider_context import Meant, ProviderContext

Read = Callable[[Received, Params], EmbeddingRequest]
Write = Callable[[Iterable[Vector], EmbeddingRequest, str, int], bytes]
"""Makes a reply: the vectors, the request, the model's name in the reply, the tokens of all texts."""
_MOST_TOKENS = 300_000
"""Limit on all inputs of a request together: OpenAI documents it, used for every provider."""


@dataclass(frozen=True, slots=True)
class EmbeddingsReply(UsualFailures):
    """The reply; the vectors are computed when it is written."""

    request: EmbeddingRequest
    shown: str
    model: EmbeddingModel
    catalogue: Catalogue
    write: Write
    content_type: bytes = JSON
    in_array: bool = False

    def body(self, plan: Plan) -> bytes:
        """The JSON of the whole reply."""
        model, request = self.model, self.request
        dimensions = request.dimensions or model.dimensions
        vectors = (
            shortened(embed(text, self.catalogue, model.dimensions, model.separability), dimensions)
            for text in request.texts
        )
        return self.write(vectors, request, self.shown, plan.input_tokens)

    def frames(self, plan: Plan) -> Frames:
        """Raises TypeError."""
        raise TypeError("embeddings are not streamed")


class Embeddings:
    """An endpoint for embeddings: `read` parses the request (raises Refused), `write` makes the reply."""

    name = "embeddings"

    def __init__(self, read: Read, write: Write) -> None:
        self._read = read
        self._write = write

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Embed or refuse; raises Refused for a request that cannot be parsed."""
        request = self._read(exchange.received, exchange.params)
        meant = context.meant_embedding(request.model, exchange.instant)
        exchange = replace(
            exchange, info=replace(exchange.info, model=meant.id, prompt_digest=request.digest)
        )
        if meant.problem is not None:
            return context.refuse(exchange.info, meant.problem, exchange.instant)
        model = context.provider.embeddings[meant.id]
        if problem := _size_problem(context.errors, request, model):
            return context.refuse(exchange.info, problem, exchange.instant)
        return self._admitted(context, exchange, request, meant, model)

    def _admitted(
        self,
        context: ProviderContext,
        exchange: Exchange,
        request: EmbeddingRequest,
        meant: Meant,
        model: EmbeddingModel,
    ) -> Decision:
        info, instant, model_id = exchange.info, exchange.instant, meant.id
        stamp = Stamp(info.request_id, meant.shown, instant.wall_s)
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
        faults = context.matching_faults(exchange, model_id, draws)
        plan = apply_faults(faults, plan, context.refusals._replace(model=model_id))
        plan = plan.announcing(meant.retires_in_s)
        reply = EmbeddingsReply(request, meant.shown, model, context.catalogue, self._write)
        return Decision(info, plan, stamp, reply, model.price, admission if admission.permit else None)


def _size_problem(errors: Errors, request: EmbeddingRequest, model: EmbeddingModel) -> Problem | None:
    longest = max(request.counts)
    if longest > model.max_input_tokens:
        return errors.prompt_too_long(longest, 0, model.max_input_tokens)
    if sum(request.counts) > _MOST_TOKENS:
        message = f"requested {sum(request.counts)} tokens, at most {_MOST_TOKENS} are taken in one request."
        return errors.bad_field(BadField(("input",), "unsupported", message))
    if (request.dimensions or 1) > model.dimensions:
        message = f"this model has {model.dimensions} dimensions."
        return errors.bad_field(BadField(("dimensions",), "unsupported", message))
    return None
