"""What is reserved for one call: taken from the budgets before money is spent, settled when it was.

Each attempt holds the most that it can cost, in every budget that it concerns, from before it is sent until
its cost is known. What one attempt leaves over serves the call's next one, and what is left when the call is
over returns to the budgets.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..core.facts import AttemptFacts, CallFacts
from ..state.backend import Backend, Change, MemoryBackend
from .account import Account, Granted, settle


class BudgetView(Protocol):
    """One budget, as one call sees it."""

    def key(self, model: str) -> str:
        """Where its state is kept, for a call that goes to `model`."""
        ...

    def concerns(self, model: str) -> bool:
        """Whether what `model` costs counts."""
        ...

    def reserving(self, nusd: int) -> Change[Granted | None]:
        """Reserve so much now."""
        ...

    def spending(self, nusd: int) -> Callable[[Account | None], Account]:
        """Spend so much now, that nothing was reserved for."""
        ...

    def exhausted(self) -> Exception:
        """What to raise when there is not so much left."""
        ...


@dataclass(slots=True)
class ReservedAmount:
    """Money reserved in a budget's account."""

    key: str
    period: int
    nusd: int


@dataclass(slots=True)
class BudgetReservation:
    """The holds of one call: idle ones, and those of attempts under way, by the attempt's number."""

    funds: Sequence[BudgetView]
    backend: Backend
    facts: CallFacts
    idle: list[ReservedAmount] = field(default_factory=list)
    held: dict[int, list[ReservedAmount]] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)
    closed: bool = False

    async def reserve(self, attempt: AttemptFacts, nusd: int) -> None:
        """ReservedAmount so much for an attempt. Raises what the budget says that has not so much left."""
        self.known.append(attempt.n)
        held = self.held[attempt.n] = []
        for funds in self.funds:
            if not funds.concerns(attempt.model):
                continue
            key = funds.key(attempt.model)
            hold = self._left_over(key, nusd)
            if hold is None:
                granted = await self._take(key, funds.reserving(nusd))
                if granted is None:
                    raise funds.exhausted()
                hold = ReservedAmount(key, granted.period, granted.nusd)
            held.append(hold)

    async def fill(self, key: str, change: Change[Granted | None]) -> Granted | None:
        """ReservedAmount what `change` grants, for the first attempt that needs it."""
        granted = await self._take(key, change)
        if granted is not None:
            self.idle.append(ReservedAmount(key, granted.period, granted.nusd))
        return granted

    def settle(self, attempt: AttemptFacts) -> None:
        """An attempt is over: spend what it cost. Settling twice is settling once."""
        for hold in self.held.pop(attempt.n, ()):
            self._spend(hold, attempt.cost_nusd)
            if hold.nusd > 0 and not self.closed:
                self.idle.append(hold)
            else:
                self._spend(hold, 0, returned_nusd=hold.nusd)

    def close(self) -> None:
        """The call is over: give back what is left, and spend what it cost without having reserved it (the
        embedding of its question). What an attempt still holds returns when that ends.
        """
        self.closed = True
        for attempt in self.facts.attempts:
            if attempt.n not in self.known and attempt.cost_nusd:
                for funds in self.funds:
                    if funds.concerns(attempt.model):
                        self._post(funds.key(attempt.model), funds.spending(attempt.cost_nusd))
        idle, self.idle = self.idle, []
        for hold in idle:
            self._spend(hold, 0, returned_nusd=hold.nusd)

    async def _take(self, key: str, change: Change[Granted | None]) -> Granted | None:
        """What is granted; whoever is cancelled meanwhile has taken nothing."""
        if isinstance(self.backend, MemoryBackend):
            return await self.backend.update(key, change)
        asked = asyncio.ensure_future(self.backend.update(key, change))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._undo(key, done))
            raise

    def _undo(self, key: str, asked: "asyncio.Future[Granted | None]") -> None:
        if asked.cancelled() or asked.exception() is not None:
            return
        granted = asked.result()
        if granted is not None:
            self._spend(ReservedAmount(key, granted.period, granted.nusd), 0, returned_nusd=granted.nusd)

    def _left_over(self, key: str, nusd: int) -> ReservedAmount | None:
        for hold in self.idle:
            if hold.key == key and hold.nusd >= nusd:
                self.idle.remove(hold)
                return hold
        return None

    def _spend(self, hold: ReservedAmount, spent_nusd: int, *, returned_nusd: int | None = None) -> None:
        """Spend from a hold, or return it. More than it held is spent all the same: it was billed."""
        period = hold.period
        back = min(hold.nusd, spent_nusd) if returned_nusd is None else returned_nusd
        hold.nusd -= back
        if back or spent_nusd:
            self._post(hold.key, lambda known: settle(known, period, back, spent_nusd))

    def _post(self, key: str, change: Callable[[Account | None], Account]) -> None:
        self.backend.post(key, lambda known: (change(known), None))
