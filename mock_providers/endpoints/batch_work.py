"""What the batches of all protocols share: how one is made, and how its items are answered.

An item goes to the endpoint that would answer it live, as a request that came when the item is done, so the
faults of that moment strike it. It is never streamed and takes nothing of the live limits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..batches.schedule import plan_course
from ..batches.store import Batch, Item, Result
from ..exchange.draws import Draws
from ..exchange.received import Moment
from ..exchange.request import Refused, digest_of_bytes
from ..faults.base import FaultBase
from ..ledger.ledger import Asked, Entry
from ..plan import Plan, refusal
from .provider_context import Decision, Desk, Incoming


class Answering(Protocol):
    """An endpoint whose requests may come in a batch."""

    name: str

    def decide(self, desk: Desk, incoming: Incoming) -> Decision:
        """What happens to a request."""
        ...


def _nothing(batch: Batch, at: Moment) -> None:
    pass


def new_batch(
    desk: Desk,
    incoming: Incoming,
    endpoint: Answering,
    items: Sequence[Item],
    *,
    prefix: str,
    about: Mapping[str, object],
    valid: bool = True,
    close: Callable[[Batch, Moment], None] = _nothing,
) -> Batch:
    """A batch that has just been made, its course drawn; the desk knows it from now on."""
    number = desk.batches.next_number()
    draws = [_draws(desk, number, item).under("course") for item in items]
    course = plan_course(desk.provider.batch, draws, incoming.moment.now, valid=valid)

    def answer(batch: Batch, item: int, at: Moment, faults: Sequence[FaultBase]) -> tuple[Result, Entry]:
        return _answer(desk, endpoint, batch, item, at, faults)

    batch_id = f"{prefix}{digest_of_bytes(f'{desk.name}/batch/{number}'.encode())}"
    batch = Batch(batch_id, number, incoming.asked, items, course, about, answer, close)
    desk.batches.add(batch)
    return batch


def _draws(desk: Desk, number: int, item: Item) -> Draws:
    return desk.draws.under(desk.name, "batch", number, item.custom_id)


def _answer(
    desk: Desk, endpoint: Answering, batch: Batch, nth: int, at: Moment, faults: Sequence[FaultBase]
) -> tuple[Result, Entry]:
    item = batch.items[nth]
    asked = replace(
        batch.asked,
        endpoint=endpoint.name,
        attempt_id=item.custom_id,
        request_id=f"req_{digest_of_bytes(f'{batch.id}/{nth}'.encode())}",
        batch_id=batch.id,
    )
    decision = _decided(desk, endpoint, Incoming(asked, item.received, {}, at, faults))
    plan = _at_once(decision.plan)
    lost = _draws(desk, batch.number, item).uniform("failure") < desk.provider.batch.failure_share
    if plan.problem is None and (lost or plan.decided or decision.rendering is None):
        plan = replace(refusal(desk.errors.of_status(500), 0.0), fault=plan.fault)
    entry = _entry(decision.asked, plan, decision, at.now)
    return Result(plan.status, asked.request_id, _body(desk, decision, plan)), entry


def _body(desk: Desk, decision: Decision, plan: Plan) -> bytes:
    if plan.problem is None and decision.rendering is not None:
        return decision.rendering.body(plan)
    problem = plan.problem or desk.errors.of_status(500)
    return desk.dialect.error_body(problem, decision.asked.request_id)


def _decided(desk: Desk, endpoint: Answering, incoming: Incoming) -> Decision:
    try:
        return endpoint.decide(desk, incoming)
    except Refused as refused:
        asked = replace(incoming.asked, prompt_digest=digest_of_bytes(incoming.received.body))
        return desk.refuse(asked, refused.problem, incoming.moment)


def _at_once(plan: Plan) -> Plan:
    """The plan with all of its times zero: the reply to an item is there when the item is done."""
    pieces = tuple(piece._replace(due_s=0.0) for piece in plan.pieces)
    headers_s = None if plan.headers_s is None else 0.0
    return replace(plan, pieces=pieces, headers_s=headers_s, ends_s=0.0, ttft_s=0.0)


def _entry(asked: Asked, plan: Plan, decision: Decision, now: float) -> Entry:
    entry = Entry(asked, now, plan, decision.price, plan.status, "error" if plan.problem else "complete")
    if plan.problem is None:
        entry.sent(plan.pieces, now)
    return entry
