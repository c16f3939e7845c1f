"""Endpoints that generate: chat completions, responses, messages, generateContent."""

from dataclasses import replace

from ..engine.planner import ReplyContext, plan_reply
from ..engine.state import OUTSIDE_LIMITS, Admission
from ..errors import Errors
from ..exchange.bad_field import BadField
from ..exchange.request import Problem, Request
from ..faults import FaultEffects, effects_of
from ..latency.distributions import Constant
from ..profile import Model
from ..scripts import ScriptedReply
from ..wire.dialect import Codec, Stamp
from ..wire.rendering import Reply
from .decision import Decision, Exchange
from .provider_context import Meant, ProviderContext


class Generation:
    """A generating endpoint.

    - `name`: in the ledger
    - `codec`: reads its requests and writes its replies
    - `errors`: its own words for parameters and sizes that a model does not take (default: the provider's)
    """

    def __init__(self, name: str, codec: Codec, errors: Errors | None = None) -> None:
        self.name = name
        self._codec = codec
        self._errors = errors

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Reply or refuse; raises Refused for a request that cannot be parsed."""
        return self.reply_to(context, exchange, self._codec.parse(exchange.received, exchange.params))

    def reply_to(self, context: ProviderContext, exchange: Exchange, request: Request) -> Decision:
        """The same for a parsed request."""
        meant = context.meant(request.model, exchange.instant)
        model_id = meant.id
        info = replace(
            exchange.info,
            model=model_id,
            stream=request.stream,
            prompt_digest=request.digest,
        )
        exchange = replace(exchange, info=info)
        if meant.problem is not None:
            return context.refuse(info, meant.problem, exchange.instant)
        model = context.provider.models[model_id]
        if problem := _problem_of(self._errors or context.errors, request, model_id, model):
            return context.refuse(info, problem, exchange.instant)
        return self._admitted(context, exchange, request, meant, model)

    def _admitted(
        self, context: ProviderContext, exchange: Exchange, request: Request, meant: Meant, model: Model
    ) -> Decision:
        """The decision about a request that fits the model: a rate limit may still refuse it."""
        model_id = meant.id
        info, instant = exchange.info, exchange.instant
        nth = context.state.times_asked(model_id, request.digest)
        draws = context.draws.under(context.name, model_id, request.digest, nth)
        faults = context.matching_faults(exchange, model_id, draws, request)
        selected = context.scripted(exchange, model_id, request)
        scripted = None if selected is None else selected.entry
        if scripted is not None:
            model = _paced(model, scripted)
            faults = faults if scripted.fault is None else (*faults, scripted.fault)
        effects = effects_of(faults)
        admission = _admit(context, exchange, request, model_id, model, effects)
        reply_context = ReplyContext(
            model_id,
            model,
            context.reply_length,
            context.catalogue,
            faults,
            effects,
            context.refusals,
            scripted,
        )
        plan = plan_reply(reply_context, request, admission, draws)
        plan = plan.announcing(meant.retires_in_s)
        stamp = Stamp(info.request_id, meant.shown, instant.wall_s)
        reply = Reply(self._codec, request, stamp)
        if admission is not OUTSIDE_LIMITS and admission.permit is None:
            return Decision(info, plan, stamp, reply)
        context.state.count(model_id, request.digest)
        if selected is not None:
            context.state.script_counts[selected.nth] += 1
        if admission is OUTSIDE_LIMITS:
            return Decision(info, plan, stamp, reply, model.price)
        first_at = instant.now + plan.ttft_s if plan.status == 200 else None
        until = instant.now + plan.ends_s
        context.state.begin(context.caller(exchange), model_id, model, admission, first_at, until)
        return Decision(info, plan, stamp, reply, model.price, admission)


def _paced(model: Model, scripted: ScriptedReply) -> Model:
    """The model with the latency that the script names, without any spread."""
    changes: dict[str, object] = {}
    if scripted.ttft_s is not None:
        changes |= {"ttft": Constant(value_s=scripted.ttft_s), "prefill_s_per_token": 0.0}
    if scripted.tokens_per_s is not None:
        steady = {"tokens_per_s": scripted.tokens_per_s, "reply_sigma": 0.0, "chunk_sigma": 0.0}
        changes["pace"] = model.pace.model_copy(update=steady)
    return model.model_copy(update=changes) if changes else model


def _admit(
    context: ProviderContext,
    exchange: Exchange,
    request: Request,
    model_id: str,
    model: Model,
    effects: FaultEffects,
) -> Admission:
    """Charge the limits and take a slot; an item of a batch needs neither."""
    if exchange.info.batch_id is not None:
        return OUTSIDE_LIMITS
    instant, wiped_s = exchange.instant, effects.cache_since_s
    cache_since = None if wiped_s is None else instant.now - instant.t_s + wiped_s
    return context.state.enter(context.caller(exchange), model_id, model, request, instant.now, cache_since)


def _problem_of(errors: Errors, request: Request, model_id: str, model: Model) -> Problem | None:
    """The refusal of parameters and sizes that the model does not take, else None."""
    if request.prefill and not model.takes_prefill(model_id):
        return errors.prefill_refused()
    if request.says_max_tokens and not model.takes_max_tokens(model_id):
        return errors.max_tokens_refused()
    taken = model.takes_media(model_id)
    if refused := next((kind for kind in request.media_tokens if kind not in taken), None):
        return errors.media_refused(refused, model_id)
    if request.top_logprobs is not None and not model.takes_max_tokens(model_id):
        complaint = "log probabilities are not supported with this model."
        return errors.bad_field(BadField(("logprobs",), "unsupported", complaint))
    max_tokens = request.max_tokens or 0
    if max_tokens > model.max_output_tokens:
        return errors.max_tokens_too_large(max_tokens, model.max_output_tokens, model_id)
    if request.input_tokens + max(max_tokens, 1) > model.context_window:
        return errors.prompt_too_long(request.input_tokens, max_tokens, model.context_window)
    return None
