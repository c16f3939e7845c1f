"""A call in line or in a batch, and the one time that it is settled."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.call import Call
from ..core.facts import AttemptFacts
from ..core.reply import Usage
from ..core.tokens import call_tokens
from ..money.price import Price
from .http import Request
from .journal import Billed


@dataclass(eq=False, slots=True)
class Waiting:
    """`done` gets the result, after the attempt is settled; `price` is what its model costs live."""

    call: Call
    attempt: AttemptFacts
    request: Request
    price: Price
    done: "asyncio.Future[Billed]"

    def succeed(self, billed: Billed) -> None:
        """The batch has a result for it, be it a failure."""
        answer, error = billed.result.answer, billed.result.error
        self.attempt.usage_known = True
        if answer is not None:
            self.attempt.status = 200
            self.attempt.first_s = asyncio.get_running_loop().time()
            self.attempt.note(answer.finish.usage or Usage(0, 0))
            self.attempt.cost_nusd = billed.cost_nusd
        self.settle("failed" if answer is None else "success", error)
        self.done.set_result(billed)

    def fail(self, error: BaseException | None) -> None:
        """The batch came to nothing, or nobody can tell: what was sent may yet be done, and billed."""
        if self.attempt.sent:
            usage = Usage(call_tokens(self.call), 0)
            self.attempt.note(usage)
            self.attempt.cost_nusd = self.price.of(usage, batch=True)
        self.settle("failed" if isinstance(error, Exception) else "abandoned", error)
        if isinstance(error, Exception):
            self.done.set_exception(error)
        else:
            self.done.cancel()

    def settle(self, outcome: str, error: BaseException | None = None) -> None:
        """The attempt is over."""
        attempt = self.attempt
        attempt.end_s = asyncio.get_running_loop().time()
        attempt.outcome = outcome
        attempt.price_known = self.price.known
        if isinstance(error, Exception):
            attempt.error_kind = getattr(error, "kind", type(error).__name__)
            attempt.status = getattr(error, "status", None)
        if self.call.reservation is not None:
            self.call.reservation.settle(attempt)


def settle_all(waiting: Sequence[Waiting], results: Sequence[Billed], error: BaseException | None) -> None:
    """Give each its result; without one, the error that befell the batch."""
    by_id = {each.result.custom_id: each for each in results}
    for each in waiting:
        billed = by_id.get(each.request.custom_id)
        if billed is None:
            each.fail(error)
        else:
            each.succeed(billed)
