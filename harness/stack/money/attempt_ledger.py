"""The attempt ledger: a row for every attempt, opened when the stack decides on it and settled once.

The cost of an attempt that failed before the commit point is zero if the provider refused it or could not be
reached. If we left, or the reply broke, the provider may have worked: the prompt is charged. An attempt that
was abandoned or broke after the commit point costs the prompt and the text received so far, tool calls
included. Both are estimates, marked `usage_known = False`. Prompt tokens that the provider reported
(Anthropic does so at once) are preferred to our count.
"""

import asyncio

from ..core.call import Call, Next
from ..core.errors import StackError
from ..core.facts import AttemptFacts
from ..core.reply import Outcome, Reply, Usage
from ..core.support import expected_tier, not_understood
from ..core.tokens import ReplyRecorder, call_tokens, count, most_output_tokens
from .price import Price
from .settlement import settle


class AttemptLedger:
    """Opens an attempt on the call's facts and settles it when its reply ends, however it ends."""

    def __init__(self, price: Price) -> None:
        self._price = price

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        target, decided = call.target, call.attempt
        attempt = call.facts.begin(
            decided.kind, target.provider, target.model, loop.time(), backoff_s=decided.backoff_s
        )
        attempt.dropped = not_understood(call.request, target)
        call = call.with_attempt(facts=attempt)
        try:
            if call.reservation is not None:
                most_nusd = self._price.most(
                    call_tokens(call),
                    most_output_tokens(call, target),
                    service_tier=expected_tier(call.request, target),
                )
                await call.reservation.reserve(attempt, most_nusd)
            reply = await next(call)
        except asyncio.CancelledError:
            estimate = _estimate(call, attempt) if attempt.sent else None
            self._settle(call, attempt, "abandoned", estimate, known=False)
            raise
        except Exception as error:
            billed = attempt.sent and isinstance(error, StackError) and error.row.may_be_billed
            estimate = _estimate(call, attempt) if billed else None
            outcome = "failed" if attempt.sent else "rejected"
            self._settle(call, attempt, outcome, estimate, known=not billed, error=error)
            raise
        attempt.first_s = loop.time()
        if attempt.sign_s is None:
            attempt.sign_s = attempt.first_s
        recorder = None
        if call.counter is not None:
            recorder = ReplyRecorder(call.counter)
            reply.tap(recorder)
        reply.on_end(lambda outcome: self._finish(call, attempt, outcome, recorder))
        return reply

    def _finish(
        self, call: Call, attempt: AttemptFacts, outcome: Outcome, recorder: ReplyRecorder | None
    ) -> None:
        usage = outcome.usage
        if usage is None:
            usage = _estimate(call, attempt, count(outcome.chars) if recorder is None else recorder.tokens)
        known = outcome.usage is not None
        self._settle(call, attempt, outcome.kind, usage, known=known, error=outcome.error)

    def _settle(
        self,
        call: Call,
        attempt: AttemptFacts,
        outcome: str,
        usage: Usage | None,
        *,
        known: bool,
        error: Exception | None = None,
    ) -> None:
        settle(attempt, self._price, outcome, usage, known=known, error=error)
        if call.reservation is not None:
            call.reservation.settle(attempt)


def _estimate(call: Call, attempt: AttemptFacts, output_tokens: int = 0) -> Usage:
    """The usage of a reply without a report: the prompt as reported or counted, and the text received."""
    prompt = attempt.input_tokens or call_tokens(call)
    return Usage(
        prompt,
        output_tokens,
        attempt.cached_input_tokens,
        attempt.cache_write_tokens,
        attempt.cache_write_1h_tokens,
        service_tier=attempt.service_tier,
    )
