"""Reserve and settle for one call: money is reserved before an attempt and settled when it ends.

An attempt holds the most that it can cost, in every budget that it concerns, from before it is sent until its
cost is known. Money left over by one attempt is used for the call's next one; the rest returns to the budgets
when the call is over.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..core.errors import Rejected
from ..core.facts import AttemptFacts, CallFacts
from ..state.backend import Backend, Change, MemoryBackend
from .account import Account, Granted, settle


class BudgetView(Protocol):
    """One budget, as one call sees it."""

    def key(self, model: str) -> str:
        """The key of its account, for a call that goes to `model`."""
        ...

    def concerns(self, model: str) -> bool:
        """Whether the cost of `model` counts in this budget."""
        ...

    def reserving(self, nusd: int) -> Change[Granted | None]:
        """The change that reserves `nusd` now."""
        ...

    def spending(self, nusd: int) -> Callable[[Account | None], Account]:
        """The change that spends `nusd` now without a reservation."""
        ...

    def exhausted(self) -> Exception:
        """The error to raise when too little is left."""
        ...


@dataclass(slots=True)
class ReservedAmount:
    """Money reserved in a budget's account."""

    key: str
    period: int
    nusd: int


@dataclass(slots=True)
class BudgetReservation:
    """The amounts reserved for one call: `idle`, and `held` by attempts in flight, by attempt number."""

    budgets: Sequence[BudgetView]
    backend: Backend
    facts: CallFacts
    idle: list[ReservedAmount] = field(default_factory=list)
    held: dict[int, list[ReservedAmount]] = field(default_factory=dict)
    reserved_for: list[int] = field(default_factory=list)
    closed: bool = False

    async def reserve(self, attempt: AttemptFacts, nusd: int) -> None:
        """Reserve `nusd` for an attempt. Raises the error of the budget that has too little left."""
        self.reserved_for.append(attempt.n)
        held = self.held[attempt.n] = []
        for budget in self.budgets:
            if not budget.concerns(attempt.model):
                continue
            key = budget.key(attempt.model)
            hold = self._left_over(key, nusd)
            if hold is None:
                granted = await self._take(key, budget.reserving(nusd))
                if granted is None:
                    raise budget.exhausted()
                hold = ReservedAmount(key, granted.period, granted.nusd)
            held.append(hold)

    async def fill(self, key: str, change: Change[Granted | None]) -> Granted | None:
        """Reserve what `change` grants, for the first attempt that needs it."""
        granted = await self._take(key, change)
        if granted is not None:
            self.idle.append(ReservedAmount(key, granted.period, granted.nusd))
        return granted

    def settle(self, attempt: AttemptFacts) -> None:
        """Spend the cost of a finished attempt, once; further calls do nothing."""
        for hold in self.held.pop(attempt.n, ()):
            self._spend(hold, attempt.cost_nusd)
            if hold.nusd > 0 and not self.closed:
                self.idle.append(hold)
            else:
                self._spend(hold, 0, returned_nusd=hold.nusd)

    def close(self) -> None:
        """Return what is left when the call is over, and spend costs without a reservation (the embedding of
        its question). An attempt in flight returns its amount when it ends.
        """
        self.closed = True
        for attempt in self.facts.attempts:
            if attempt.n not in self.reserved_for and attempt.cost_nusd:
                for budget in self.budgets:
                    if budget.concerns(attempt.model):
                        self._post(budget.key(attempt.model), budget.spending(attempt.cost_nusd))
        idle, self.idle = self.idle, []
        for hold in idle:
            self._spend(hold, 0, returned_nusd=hold.nusd)

    async def _take(self, key: str, change: Change[Granted | None]) -> Granted | None:
        """The grant; if cancelled meanwhile, the grant is returned."""
        if isinstance(self.backend, MemoryBackend):
            try:
                return await self.backend.update(key, change)
            except OSError as error:
                raise Rejected("rejected_budget", f"the budget cannot be written: {error}") from error
        update = asyncio.ensure_future(self.backend.update(key, change))
        try:
            return await asyncio.shield(update)
        except asyncio.CancelledError:
            update.add_done_callback(lambda done: self._undo(key, done))
            raise

    def _undo(self, key: str, update: "asyncio.Future[Granted | None]") -> None:
        if update.cancelled() or update.exception() is not None:
            return
        granted = update.result()
        if granted is not None:
            self._spend(ReservedAmount(key, granted.period, granted.nusd), 0, returned_nusd=granted.nusd)

    def _left_over(self, key: str, nusd: int) -> ReservedAmount | None:
        for hold in self.idle:
            if hold.key == key and hold.nusd >= nusd:
                self.idle.remove(hold)
                return hold
        return None

    def _spend(self, hold: ReservedAmount, spent_nusd: int, *, returned_nusd: int | None = None) -> None:
        """Spend from a reserved amount, or return it. Cost beyond the amount is spent too: it was billed."""
        period = hold.period
        back = min(hold.nusd, spent_nusd) if returned_nusd is None else returned_nusd
        hold.nusd -= back
        if back or spent_nusd:
            self._post(hold.key, lambda known: settle(known, period, back, spent_nusd))

    def _post(self, key: str, change: Callable[[Account | None], Account]) -> None:
        self.backend.post(key, lambda known: (change(known), None))
