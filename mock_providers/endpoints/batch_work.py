"""Creates batches and answers their items, for all protocols.

An item goes to the endpoint that answers live requests, at the time when the item is due, so the faults of
that time apply. It is not streamed and does not count against the live limits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..batches.schedule import schedule_batch
from ..batches.store import Batch, Item, Result
from ..exchange import tokens
from ..exchange.draws import Draws
from ..exchange.received import Instant
from ..exchange.request import Refused, digest_of_bytes
from ..exchange.request_info import RequestInfo
from ..faults.base import FaultBase
from ..ledger.entry import Entry
from ..plan import Plan, refusal
from ..prices import BATCH
from .decision import Decision, Exchange
from .provider_context import ProviderContext


class BatchableEndpoint(Protocol):
    """An endpoint whose requests may be items of a batch."""

    name: str

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Decide about a request; raises Refused."""
        ...


def _no_action(batch: Batch, at: Instant) -> None:
    pass


def new_batch(
    context: ProviderContext,
    exchange: Exchange,
    endpoint: BatchableEndpoint,
    items: Sequence[Item],
    *,
    prefix: str,
    about: Mapping[str, object],
    valid: bool = True,
    close: Callable[[Batch, Instant], None] = _no_action,
) -> Batch:
    """A batch that has just been made, its schedule drawn; stored in the context."""
    number = context.batches.next_number()
    draws = [_draws(context, number, item).under("course") for item in items]
    schedule = schedule_batch(context.provider.batch, draws, exchange.instant.now, valid=valid)

    def answer(batch: Batch, item: int, at: Instant, faults: Sequence[FaultBase]) -> tuple[Result, Entry]:
        return _answer(context, endpoint, batch, item, at, faults)

    batch_id = f"{prefix}{digest_of_bytes(f'{context.name}/batch/{number}'.encode())}"
    batch = Batch(batch_id, number, exchange.info, items, schedule, about, answer, close)
    context.batches.add(batch)
    return batch


def exceeds_queue(context: ProviderContext, items: Sequence[Item], now: float) -> bool:
    """Whether these items and those of the batches that have not ended exceed the provider's limit."""
    limit = context.provider.batch.enqueued_tokens
    if limit is None:
        return False
    waiting = [batch.items for batch in context.batches.newest_first() if not batch.schedule.ended(now)]
    return sum(map(_enqueued_tokens, [*waiting, items])) > limit


def _enqueued_tokens(items: Sequence[Item]) -> int:
    return sum(tokens.count(item.received.body.decode()) for item in items)


def _draws(context: ProviderContext, number: int, item: Item) -> Draws:
    return context.draws.under(context.name, "batch", number, item.custom_id)


def _answer(
    context: ProviderContext,
    endpoint: BatchableEndpoint,
    batch: Batch,
    nth: int,
    at: Instant,
    faults: Sequence[FaultBase],
) -> tuple[Result, Entry]:
    item = batch.items[nth]
    info = replace(
        batch.info,
        endpoint=endpoint.name,
        attempt_id=item.custom_id,
        request_id=f"req_{digest_of_bytes(f'{batch.id}/{nth}'.encode())}",
        batch_id=batch.id,
    )
    decision = _decide(context, endpoint, Exchange(info, item.received, {}, at, faults))
    plan = replace(_without_delays(decision.plan), service_tier=BATCH)
    lost = _draws(context, batch.number, item).uniform("failure") < context.provider.batch.failure_share
    if plan.problem is None and (lost or plan.decided or decision.rendering is None):
        plan = replace(refusal(context.errors.of_status(500), 0.0), fault=plan.fault)
    entry = _entry(decision.info, plan, decision, at.now)
    return Result(plan.status, info.request_id, _body(context, decision, plan)), entry


def _body(context: ProviderContext, decision: Decision, plan: Plan) -> bytes:
    if plan.problem is None and decision.rendering is not None:
        return decision.rendering.body(plan)
    problem = plan.problem or context.errors.of_status(500)
    return context.dialect.error_body(problem, decision.info.request_id)


def _decide(context: ProviderContext, endpoint: BatchableEndpoint, exchange: Exchange) -> Decision:
    try:
        return endpoint.decide(context, exchange)
    except Refused as refused:
        info = replace(exchange.info, prompt_digest=digest_of_bytes(exchange.received.body))
        return context.refuse(info, refused.problem, exchange.instant)


def _without_delays(plan: Plan) -> Plan:
    """The plan with all times 0: an item's reply is complete when the item is due."""
    pieces = tuple(piece._replace(due_s=0.0) for piece in plan.pieces)
    headers_s = None if plan.headers_s is None else 0.0
    return replace(plan, pieces=pieces, headers_s=headers_s, ends_s=0.0, ttft_s=0.0)


def _entry(info: RequestInfo, plan: Plan, decision: Decision, now: float) -> Entry:
    entry = Entry(info, now, plan, decision.price, plan.status, "error" if plan.problem else "complete")
    if plan.problem is None:
        entry.sent(plan.pieces, now)
    return entry
