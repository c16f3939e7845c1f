"""Endpoints that give a model's reply: chat completions, messages, generated content."""

from dataclasses import replace

from ..engine.planner import Setting, plan_reply
from ..engine.state import OUTSIDE_LIMITS
from ..exchange.request import Problem, Request
from ..faults import circumstances_of
from ..profile import Model
from ..wire.dialect import Codec, Stamp
from .provider_context import Decision, Desk, Incoming, Reply


class Generation:
    """A generation endpoint: `name` as the ledger knows it, `codec` as the wire does."""

    def __init__(self, name: str, codec: Codec) -> None:
        self.name = name
        self._codec = codec

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """The reply, or why there is none; raises Refused for a request that cannot be read."""
        return self.reply_to(desk, incoming, self._codec.parse(incoming.received, incoming.params))

    def reply_to(self, desk: Desk, incoming: Incoming, request: Request) -> Decision:
        """The same for a request that has been read."""
        model_id = desk.provider.canonical(request.model)
        asked = replace(
            incoming.asked,
            model=model_id or request.model,
            stream=request.stream,
            prompt_digest=request.digest,
        )
        incoming = replace(incoming, asked=asked)
        if model_id is None:
            return desk.refuse(asked, desk.errors.unknown_model(request.model), incoming.moment)
        model = desk.provider.models[model_id]
        if problem := _misfit(desk, request, model_id, model):
            return desk.refuse(asked, problem, incoming.moment)
        return self._admitted(desk, incoming, request, model_id, model)

    def _admitted(
        self, desk: Desk, incoming: Incoming, request: Request, model_id: str, model: Model
    ) -> Decision:
        asked, moment = incoming.asked, incoming.moment
        nth = desk.state.times_asked(model_id, request.digest)
        draws = desk.draws.under(desk.name, model_id, request.digest, nth)
        struck = desk.struck(incoming, model_id, draws)
        circumstances = circumstances_of(struck)
        lost_s = circumstances.cache_since_s
        cache_since = None if lost_s is None else moment.now - moment.t_s + lost_s
        customer = desk.customer(incoming)
        if asked.batch_id is None:
            admission = desk.state.enter(customer, model_id, model, request, moment.now, cache_since)
        else:
            admission = OUTSIDE_LIMITS
        setting = Setting(
            model_id, model, desk.reply_length, desk.catalogue, struck, circumstances, desk.scene
        )
        plan = plan_reply(setting, request, admission, draws)
        stamp = Stamp(asked.request_id, model_id, moment.wall_s)
        reply = Reply(self._codec, request, stamp)
        if admission is OUTSIDE_LIMITS:
            desk.state.count(model_id, request.digest)
            return Decision(asked, plan, stamp, reply, model.price)
        if admission.permit is None:
            return Decision(asked, plan, stamp, reply)
        desk.state.count(model_id, request.digest)
        first_at = moment.now + plan.ttft_s if plan.status == 200 else None
        until = moment.now + plan.ends_s
        desk.state.begin(customer, model_id, model, admission, first_at, until)
        return Decision(asked, plan, stamp, reply, model.price, admission)


def _misfit(desk: Desk, request: Request, model_id: str, model: Model) -> Problem | None:
    max_tokens = request.max_tokens or 0
    if max_tokens > model.max_output_tokens:
        return desk.errors.max_tokens_too_large(max_tokens, model.max_output_tokens, model_id)
    if request.input_tokens + max(max_tokens, 1) > model.context_window:
        return desk.errors.prompt_too_long(request.input_tokens, max_tokens, model.context_window)
    return None
