"""One stored response, and how far it has come at a time.

Its course is its plan's, so it needs no task of its own. Times are on the loop's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import orjson

from ...engine.state import Admission
from ...exchange.request_info import RequestInfo
from ...plan import Piece, Plan
from ...prices import Prices
from ...wire.dialect import Stamp
from ...wire.responses.items import Json, stored_items
from ...wire.responses.output import output_of, response_id, slots_of
from ...wire.responses.reply import Stage, failed_stage, final_stage, response_object
from ...wire.responses.request import ResponseRequest

_BYTES_BESIDES_TEXT = 2048
"""Of a response: our estimate."""


@dataclass(frozen=True, slots=True)
class Background:
    """A response that is generated while nobody waits, and billed when it ends."""

    info: RequestInfo
    price: Prices | None
    admission: Admission | None


@dataclass(slots=True)
class StoredResponse:
    """One response.

    - `received`: when its request was
    - `background`: None: a client waits for it
    - `cut`: when it was cancelled; None: it was not
    """

    request: ResponseRequest
    plan: Plan
    stamp: Stamp
    received: float
    background: Background | None = None
    cut: float | None = None
    input_items: tuple[Json, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.input_items = (*self.request.context, *stored_items(self.request.items, self.id))

    @property
    def id(self) -> str:
        """Its id."""
        return response_id(self.stamp)

    @property
    def size(self) -> int:
        """The bytes that it is counted as: its own input items, its output, the rest."""
        return _BYTES_BESIDES_TEXT + len(orjson.dumps(self.request.items)) + len(self.plan.text)

    @property
    def item_ids(self) -> list[str]:
        """The ids of its own input items and of its output."""
        own = self.input_items[len(self.request.context) :]
        outputs = slots_of(self.request, self.plan, self.stamp)
        return [item["id"] for item in own] + [slot.id for slot in outputs]

    @property
    def ends_at(self) -> float:
        """When it ends, or was cancelled."""
        end = self.received + self.plan.ends_s
        return end if self.cut is None else min(end, self.cut)

    def sent(self, tokens: int, now: float) -> None:
        """Its client has received so many tokens and will receive no more: fewer than all cancel it."""
        plan = self.plan
        if tokens < plan.output_tokens and plan.in_band is None and not plan.finished and self.cut is None:
            self.cut = now
            self.plan = replace(plan, keep=len(self.pieces(now)))

    def stage(self, now: float) -> Stage:
        """How far it has come; a background response is queued until its first token."""
        plan, at = self.plan, min(now, self.ends_at)
        if at < self.ends_at:
            waiting = self.background is not None and at < self.received + plan.ttft_s
            return Stage("queued") if waiting else Stage("in_progress", self.pieces(at))
        if self.cut is not None and self.cut <= at:
            return Stage("cancelled", self.pieces(at))
        if plan.in_band is not None:
            return failed_stage(plan, plan.in_band)
        unread = not plan.streamed and plan.ends in ("stalled", "truncated")  # of a body that was complete
        regular = plan.ends == "complete" or plan.finished or unread
        return final_stage(plan) if regular else Stage("cancelled", plan.to_send)

    def pieces(self, at: float) -> Sequence[Piece]:
        """The pieces generated at a time."""
        return [piece for piece in self.plan.to_send if self.received + piece.due_s <= at]

    def object_at(self, now: float) -> Json:
        """The response object."""
        return response_object(self.request, self.plan, self.stamp, self.stage(now))

    def items_at(self, now: float) -> list[Json]:
        """The items of the conversation, its output included."""
        stage = self.stage(now)
        whole = stage.status in ("completed", "incomplete")
        output = output_of(self.request, self.plan, self.stamp, stage.pieces, whole=whole)
        return [*self.input_items, *output]


def undisturbed(plan: Plan) -> Plan:
    """The plan without what only happens to a connection: a background response does not end with it."""
    plan = replace(plan, malformed=None, quirks=(), heartbeat=None, keep_alive=None, drip_s=None)
    if plan.ends in ("complete", "in_band"):
        return plan
    ends_s = plan.pieces[-1].due_s if plan.pieces else plan.ttft_s
    return replace(plan, ends="complete", keep=None, ends_s=ends_s, finished=False)
