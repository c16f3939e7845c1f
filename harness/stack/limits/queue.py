"""A waiting line with two priorities: interactive before batch, each in the order they came, nobody for ever.

A batch call that has waited for `batch_patience_s` stands among the interactive ones by the time it came, so
whoever comes later cannot pass it any more.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from ..core.call import Priority
from .quota import NO_DEMAND, Demand, Taken


@dataclass(slots=True, eq=False)
class Waiter:
    """A place in the line, and what it will take."""

    demand: Demand
    priority: Priority
    since_s: float
    admitted: "asyncio.Future[Taken]"


class Line:
    """Those who wait. Takes `now`, pure."""

    def __init__(self, batch_patience_s: float) -> None:
        self._batch_patience_s = batch_patience_s
        self._waiting: dict[Priority, OrderedDict[Waiter, None]] = {
            "interactive": OrderedDict(),
            "batch": OrderedDict(),
        }
        self._demand: dict[Priority, Demand] = {"interactive": NO_DEMAND, "batch": NO_DEMAND}

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def join(self, waiter: Waiter) -> None:
        """At the end of its priority."""
        self._waiting[waiter.priority][waiter] = None
        self._add(waiter.priority, waiter.demand)

    def leave(self, waiter: Waiter) -> None:
        """Admitted, or gone; leaving twice is leaving once."""
        if waiter in self._waiting[waiter.priority]:
            del self._waiting[waiter.priority][waiter]
            self._add(waiter.priority, NO_DEMAND.minus(waiter.demand))

    def head(self, now: float) -> Waiter | None:
        """Who is next."""
        interactive, batch = (next(iter(waiting), None) for waiting in self._waiting.values())
        if interactive is None or batch is None:
            return interactive or batch
        aged = now - batch.since_s >= self._batch_patience_s
        return batch if aged and batch.since_s < interactive.since_s else interactive

    def ahead_of(self, priority: Priority) -> Demand:
        """What those take together who stand before a newcomer of that priority."""
        if priority == "interactive":
            return self._demand["interactive"]
        return Demand(*map(sum, zip(*self._demand.values(), strict=True)))

    def _add(self, priority: Priority, demand: Demand) -> None:
        self._demand[priority] = self._demand[priority].minus(NO_DEMAND.minus(demand))
