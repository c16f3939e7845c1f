"""`POST /v1/responses`: a generation whose response is stored, and may run in the background."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import orjson

from ...exchange.request import Refused
from ...ledger.entry import Entry
from ...plan import Plan
from ...wire.openai.errors import OpenAIErrors
from ...wire.rendering import Document
from ...wire.responses.codec import ResponsesCodec
from ...wire.responses.errors import previous_not_done, previous_not_found
from ...wire.responses.items import Json
from ...wire.responses.request import Known, ResponseRequest
from ..decision import Decision, Exchange
from ..generation import Generation
from ..provider_context import ProviderContext
from .stored_response import Background, StoredResponse, undisturbed

BACKGROUND_ENDPOINT = "responses.background"
"""`endpoint` of the ledger row of a background response, which is written when it ends."""


class Responses:
    """Creates responses; `errors`: those of the API, where they differ from the provider's others."""

    name = "responses"

    def __init__(self, codec: ResponsesCodec, errors: OpenAIErrors) -> None:
        self._codec = codec
        self._generation = Generation(self.name, codec, errors)

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Reply or refuse, and store the response; raises Refused for a request that cannot be parsed."""
        request = self._codec.read(exchange.received, known_to(context, exchange.instant.now))
        decision = self._generation.reply_to(context, exchange, request)
        plan = decision.plan
        begun = plan.status == 200 and plan.problem is None and plan.page is None
        if not begun or exchange.info.batch_id is not None:
            return decision
        if request.background:
            return _in_background(context, exchange, request, decision)
        if request.store:
            now = exchange.instant.now
            context.responses.add(StoredResponse(request, plan, decision.stamp, now))
        return decision


def _in_background(
    context: ProviderContext, exchange: Exchange, request: ResponseRequest, decision: Decision
) -> Decision:
    """Store the response as one that runs; the request itself is free, and answered at once or streamed."""
    now, plan = exchange.instant.now, undisturbed(decision.plan)
    info = replace(decision.info, endpoint=BACKGROUND_ENDPOINT, stream=False)
    background = Background(info, decision.price, decision.admission)
    response = StoredResponse(request, plan, decision.stamp, now, background)
    context.responses.add(response)
    free = replace(decision, price=None, admission=None)
    if request.stream:
        return free
    accepted = _accepted(context, decision.plan, plan)
    return replace(free, plan=accepted, rendering=Document(orjson.dumps(response.object_at(now))))


def _accepted(context: ProviderContext, disturbed: Plan, plan: Plan) -> Plan:
    """The plan of the reply that says the response is queued; faults of the connection strike it."""
    after_s = context.refusals.error_latency_s
    accepted = Plan(200, "complete", after_s, after_s, billable=False, meters=plan.meters)
    accepted = replace(accepted, fault=disturbed.fault, keep_alive=disturbed.keep_alive)
    if disturbed.ends in ("complete", "in_band"):
        return accepted
    hold_s = max(0.0, disturbed.ends_s - plan.ends_s)
    return replace(accepted, ends=disturbed.ends, ends_s=after_s + hold_s)


def settle_background(context: ProviderContext, now: float) -> list[Entry]:
    """The ledger entries of the background responses that have ended by now, whose limits are settled."""
    return [_settled(context, response) for response in context.responses.due(now)]


def _settled(context: ProviderContext, response: StoredResponse) -> Entry:
    background, ends_at = response.background, response.ends_at
    assert background is not None
    entry = Entry(background.info, response.received, response.plan, background.price, response.plan.status)
    for piece in response.pieces(ends_at):
        entry.sent((piece,), response.received + piece.due_s)
    stage = response.stage(ends_at)
    entry.ended = {"failed": "error", "cancelled": "client_closed"}.get(stage.status, "complete")  # type: ignore[assignment]  # of Ended
    if background.admission is not None:
        context.state.settle(background.info.model, background.admission, entry.tokens_sent, ends_at)
    return entry


def known_to(context: ProviderContext, now: float) -> Known:
    """All that a request at this time may refer to."""
    find = partial(context.responses.item, now=now)
    return Known(find, partial(_items_of, context, now))


def _items_of(context: ProviderContext, now: float, response_id: str) -> Sequence[Json]:
    response = context.responses.get(response_id)
    if response is None:
        raise Refused(previous_not_found(response_id))
    stage = response.stage(now)
    if not stage.ended:
        raise Refused(previous_not_done(response_id, stage.status))
    return response.items_at(now)
