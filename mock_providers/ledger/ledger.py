"""The provider's own truth about every request: one row each, written when the request ends, exactly once.

Money is integer nano-dollars. `*_s` are seconds since t = 0. Rows leave as NDJSON.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..plan import Piece, Plan
from ..profile import Prices
from .store import RowStore
from .totals import Totals

Ended = Literal["complete", "error", "client_closed", "reset", "hung", "stalled", "truncated"]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One request to an API endpoint.

    - `attempt_id`: the client's `x-client-request-id`; in a batch, its `custom_id`
    - `key_id`: "key-" + 6 hex digits of the API key's SHA-256, "" without a key
    - `model`: the canonical id, or what was asked for when there is no such model
    - `status`: the HTTP status sent, 0 when none was; `error`: the provider's error code, else its type
    - `fault`: the injected fault that decided or shaped the reply
    - `ended`: complete, error (a refusal or an error inside a reply), client_closed, reset (the provider cut
      it), hung (no headers ever), stalled (silent in the middle), truncated (a clean end too early)
    - `batch_id`: the batch that the request was a line of
    - `input_tokens`: all of the prompt, those read from the prompt cache (`cached_input_tokens`) and written
      to it (`cache_write_tokens`) among them
    - `output_tokens`: sent; `planned_output_tokens`: of the whole reply; a JSON reply is one chunk a block
    - `cost_nusd`: billed: input and the tokens sent, half of it (rounded up) in a batch; refusals and hangs
      are free and count no tokens
    - `queued_s`: how long the request waited for a free slot of the model
    - `first_*`, `last_*`: of content chunks: when planned, when written to the socket
    """

    attempt_id: str | None
    request_id: str
    provider: str
    model: str
    endpoint: str
    key_id: str
    region: str
    stream: bool
    batch_id: str | None
    received_s: float
    queued_s: float
    status: int
    error: str | None
    fault: str | None
    ended: Ended
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    planned_output_tokens: int
    cost_nusd: int
    first_scheduled_s: float | None
    first_sent_s: float | None
    last_scheduled_s: float | None
    last_sent_s: float | None
    chunks_planned: int
    chunks_sent: int
    answer: str | None
    prompt_digest: str


class Ledger:
    """Rows in the order in which their requests ended, with running totals.

    `max_rows_in_memory`: older rows beyond it are kept in a temporary file (default 100,000).
    """

    def __init__(self, max_rows_in_memory: int = 100_000) -> None:
        self._rows = RowStore(LedgerRow, max_rows_in_memory)
        self.totals = Totals()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Sequence[LedgerRow]:
        """All rows so far."""
        return self._rows

    def append(self, row: LedgerRow) -> None:
        """Add the row of a request that has ended."""
        self._rows.append(row)
        self.totals.add(row)

    def ndjson(self, rows_per_part: int = 1000, *, since: int = 0) -> Iterator[bytes]:
        """The rows of now from index `since` on, one JSON object a line, in parts of bounded size."""
        return self._rows.ndjson(since, rows_per_part)

    def close(self) -> None:
        """Forget the rows and free the disk; a ledger that is dropped frees it too."""
        self._rows.close()


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Who asked for what: the columns of a row that are known before anything is sent."""

    provider: str
    endpoint: str
    region: str
    attempt_id: str | None
    request_id: str
    key_id: str = ""
    model: str = ""
    stream: bool = False
    prompt_digest: str = ""
    batch_id: str | None = None


@dataclass(slots=True)
class Entry:
    """A row in the making: what was asked, what is planned, how far it got. Times are on the loop's clock."""

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
        if self.first_sent is None:
            self.first_sent = now
        self.last_sent = now
        self.chunks_sent += len(pieces)
        self.tokens_sent += sum([piece.tokens for piece in pieces])

    def row(self, t0: float) -> LedgerRow:
        """The finished row; `t0` is t = 0 on the loop's clock."""
        info, plan = self.info, self.plan
        pieces = plan.pieces if plan else ()
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
            first_scheduled_s=since_start(self.received + pieces[0].due_s) if pieces else None,
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
        cost_nusd = self.price.cost_nusd(billed, self.tokens_sent)
        return cost_nusd if self.info.batch_id is None else (cost_nusd + 1) // 2
