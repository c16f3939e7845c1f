"""A call that waits for its batch, and the one place where its attempt is settled."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.call import Call
from ..core.facts import AttemptFacts
from ..core.reply import Usage
from ..core.tokens import call_tokens, count
from ..money.price import Price
from ..money.settlement import settle
from .failures import BatchRefused
from .http import BatchItem
from .journal import BilledResult


@dataclass(eq=False, slots=True)
class PendingCall:
    """`price` is the model's live price; `done` gets the result after the attempt is settled. `left`: the
    caller waits for it no longer.
    """

    call: Call
    attempt: AttemptFacts
    item: BatchItem
    price: Price
    done: "asyncio.Future[BilledResult]"
    left: bool = False

    def succeed(self, billed: BilledResult) -> None:
        """Settle with the batch's result for this item, an answer or an error. One whose answer is lost may
        be billed: its prompt is charged.
        """
        answer, error = billed.result.answer, billed.result.error
        if answer is None:
            lost = error is not None and error.row.may_be_billed
            self.settle("failed", self._prompt() if lost else None, known=not lost, error=error)
        else:
            self.attempt.first_s = asyncio.get_running_loop().time()
            usage = answer.finish.usage
            known = usage is not None
            estimate = Usage(call_tokens(self.call), count(len(answer.text)))
            self.settle("success", usage or estimate, known=known, error=error)
        self.done.set_result(billed)

    def fail(self, error: BaseException | None) -> None:
        """Settle without a result. An item that the provider may have taken may still be processed and
        billed: its prompt is charged.
        """
        outcome = "failed" if isinstance(error, Exception) else "abandoned"
        if isinstance(error, BatchRefused):
            self.settle(outcome, known=True, error=error)
        else:
            self.settle(outcome, self._prompt() if self.attempt.sent else None, error=error)
        if isinstance(error, Exception):
            self.done.set_exception(error)
        else:
            self.done.cancel()

    def _prompt(self) -> Usage:
        """The estimated usage of an item whose result is lost."""
        return Usage(call_tokens(self.call), 0)

    def settle(
        self,
        outcome: str,
        usage: Usage | None = None,
        *,
        known: bool = False,
        error: BaseException | None = None,
    ) -> None:
        """Close the attempt's row and settle its reservation."""
        settle(self.attempt, self.price, outcome, usage, known=known, batch=True, error=error)
        if self.call.reservation is not None:
            self.call.reservation.settle(self.attempt)


def settle_all(
    pending: Sequence[PendingCall], results: Sequence[BilledResult], error: BaseException | None
) -> None:
    """Settle each call with its result; one without a result with the batch's `error`."""
    by_id = {each.result.custom_id: each for each in results}
    for each in pending:
        billed = by_id.get(each.item.custom_id)
        if billed is None:
            each.fail(error)
        else:
            each.succeed(billed)
