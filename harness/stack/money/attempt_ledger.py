"""The attempt ledger: a row for every request the stack decides on, settled once, with what it cost.

An attempt that never reached the commit point costs nothing if the provider said no or nobody listened. If we
walked away, or the reply broke, the provider may have worked: the prompt is taken to be billed. An attempt
that was abandoned or broke after the commit point costs what the provider had sent by then: estimated from
the prompt and the text received, tool calls included. Both are marked `usage_known = False`. Where the
provider had told how long the prompt was (Anthropic does so at once), that is taken instead of our count.
"""

import asyncio

from ..core.call import Call, Next, Reservation
from ..core.errors import ProviderError, StackError
from ..core.facts import AttemptFacts
from ..core.reply import Outcome, Reply, Usage
from ..core.tokens import ReplyRecorder, call_tokens, count, most_output_tokens
from .price import Price


class AttemptLedger:
    """Opens an attempt on the call's facts and closes it when its reply ends, whichever way."""

    def __init__(self, price: Price) -> None:
        self._price = price

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        attempt = self._begin(call, loop.time())
        call = call.with_attempt(facts=attempt)
        try:
            if call.reservation is not None:
                most_out = most_output_tokens(call, call.target)
                await call.reservation.reserve(attempt, self._price.most(call_tokens(call), most_out))
            reply = await next(call)
        except asyncio.CancelledError:
            usage = _so_far(call, attempt) if attempt.sent else None
            self._end(attempt, "abandoned", usage, known=False, reservation=call.reservation)
            raise
        except Exception as error:
            self._fail(call, attempt, error)
            raise
        attempt.first_s = loop.time()
        recorder = None
        if call.counter is not None:
            recorder = ReplyRecorder(call.counter)
            reply.tap(recorder)
        reply.on_end(lambda outcome: self._settle(call, attempt, outcome, recorder))
        return reply

    def _begin(self, call: Call, now: float) -> AttemptFacts:
        target = call.target
        kind, backoff_s = call.attempt.kind, call.attempt.backoff_s
        return call.facts.begin(kind, target.provider, target.model, now, backoff_s=backoff_s)

    def _settle(
        self, call: Call, attempt: AttemptFacts, outcome: Outcome, recorder: ReplyRecorder | None
    ) -> None:
        usage = outcome.usage
        if usage is None:
            tokens = count(outcome.chars) if recorder is None else recorder.tokens
            self._end(
                attempt,
                outcome.kind,
                _so_far(call, attempt, tokens),
                known=False,
                reservation=call.reservation,
            )
        else:
            self._end(attempt, outcome.kind, usage, known=True, reservation=call.reservation)
        if outcome.error is not None:
            self._explain(attempt, outcome.error)

    def _fail(self, call: Call, attempt: AttemptFacts, error: Exception) -> None:
        if not attempt.sent:
            self._end(attempt, "rejected", None, known=True, reservation=call.reservation)
        elif isinstance(error, StackError) and error.row.may_be_billed:
            self._end(attempt, "failed", _so_far(call, attempt), known=False, reservation=call.reservation)
        else:
            self._end(attempt, "failed", None, known=True, reservation=call.reservation)
        self._explain(attempt, error)

    def _explain(self, attempt: AttemptFacts, error: Exception) -> None:
        attempt.error_kind = getattr(error, "kind", type(error).__name__)
        if isinstance(error, ProviderError):
            attempt.status = error.status
            attempt.retry_after_s = error.retry_after_s

    def _end(
        self,
        attempt: AttemptFacts,
        outcome: str,
        usage: Usage | None,
        *,
        known: bool,
        reservation: Reservation | None,
    ) -> None:
        attempt.end_s = asyncio.get_running_loop().time()
        attempt.outcome = outcome
        attempt.usage_known = known
        if outcome == "success":
            attempt.status = 200
        attempt.price_known = self._price.known
        if usage is not None:
            attempt.note(usage)
            attempt.cost_nusd = self._price.of(usage)
        if reservation is not None:
            reservation.settle(attempt)


def _so_far(call: Call, attempt: AttemptFacts, output_tokens: int = 0) -> Usage:
    """What a reply without usage cost, estimated: the prompt as told or counted, and the text received."""
    prompt = attempt.input_tokens or call_tokens(call)
    return Usage(
        prompt,
        output_tokens,
        attempt.cached_input_tokens,
        attempt.cache_write_tokens,
        attempt.cache_write_1h_tokens,
    )
