"""A ledger row in the making: from the arrival of a request to its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..exchange.request_info import RequestInfo
from ..plan import Piece, Plan
from ..prices import Prices
from .row import Ended, LedgerRow


@dataclass(slots=True)
class Entry:
    """A row in the making: the request, its plan, and what has been sent. Times are on the loop's clock."""

    info: RequestInfo
    received: float
    plan: Plan | None = None
    price: Prices | None = None
    status: int = 0
    ended: Ended = "reset"
    chunks_sent: int = 0
    tokens_sent: int = 0
    first_sent: float | None = None
    last_sent: float | None = None

    def sent(self, pieces: Sequence[Piece], now: float) -> None:
        """These content chunks were written at `now`."""
        if self.first_sent is None and (self.plan is None or any(map(self.plan.is_word, pieces))):
            self.first_sent = now
        self.last_sent = now
        self.chunks_sent += len(pieces)
        self.tokens_sent += sum([piece.tokens for piece in pieces])

    def row(self, t0: float) -> LedgerRow:
        """The finished row; `t0` is t = 0 on the loop's clock."""
        info, plan = self.info, self.plan
        pieces = plan.pieces if plan else ()
        first = plan.first_word if plan else None
        billed = plan if plan is not None and plan.billable and self.price is not None else None

        def since_start(at: float | None) -> float | None:
            return None if at is None else at - t0

        return LedgerRow(
            attempt_id=info.attempt_id,
            request_id=info.request_id,
            provider=info.provider,
            model=info.model,
            endpoint=info.endpoint,
            key_id=info.key_id,
            region=info.region,
            stream=info.stream,
            batch_id=info.batch_id,
            received_s=self.received - t0,
            queued_s=plan.queued_s if plan else 0.0,
            status=self.status,
            error=self._error(),
            fault=plan.fault if plan else None,
            ended=self.ended,
            input_tokens=billed.input_tokens if billed else 0,
            cached_input_tokens=billed.cached_input_tokens if billed else 0,
            cache_write_tokens=billed.cache_write_tokens + billed.cache_write_1h_tokens if billed else 0,
            output_tokens=self.tokens_sent if billed else 0,
            planned_output_tokens=plan.output_tokens if plan else 0,
            cost_nusd=self._cost_nusd(billed),
            first_scheduled_s=since_start(self.received + first.due_s) if first else None,
            first_sent_s=since_start(self.first_sent),
            last_scheduled_s=since_start(self.received + pieces[-1].due_s) if pieces else None,
            last_sent_s=since_start(self.last_sent),
            chunks_planned=len(pieces),
            chunks_sent=self.chunks_sent,
            answer=plan.answer if plan else None,
            prompt_digest=info.prompt_digest,
        )

    def _error(self) -> str | None:
        problem = (self.plan.problem or self.plan.in_band) if self.plan else None
        return problem.name if problem else None

    def _cost_nusd(self, billed: Plan | None) -> int:
        if billed is None or self.price is None:
            return 0
        return self.price.cost_nusd(billed, self.tokens_sent)
