"""The limiter's wait queue: two FIFO classes, interactive before batch.

A batch waiter older than `batch_patience_s` is ordered among the interactive ones by arrival, so later
arrivals cannot overtake it and none starves.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from ..core.call import Priority
from .quota import NO_DEMAND, Admission, Demand


@dataclass(slots=True, eq=False)
class Waiter:
    """A queued request: its demand, its time of arrival, and the future of its admission."""

    demand: Demand
    priority: Priority
    since_s: float
    admitted: "asyncio.Future[Admission]"


class WaitQueue:
    """The queue and its total demand. Takes `now`, pure."""

    def __init__(self, batch_patience_s: float) -> None:
        self._batch_patience_s = batch_patience_s
        self._waiters: dict[Priority, OrderedDict[Waiter, None]] = {
            "interactive": OrderedDict(),
            "batch": OrderedDict(),
        }
        self._demand: dict[Priority, Demand] = {"interactive": NO_DEMAND, "batch": NO_DEMAND}

    def __len__(self) -> int:
        return sum(len(waiters) for waiters in self._waiters.values())

    def append(self, waiter: Waiter) -> None:
        """Add at the end of its priority."""
        self._waiters[waiter.priority][waiter] = None
        self._add(waiter.priority, waiter.demand)

    def remove(self, waiter: Waiter) -> None:
        """Remove if present."""
        if waiter in self._waiters[waiter.priority]:
            del self._waiters[waiter.priority][waiter]
            self._add(waiter.priority, NO_DEMAND.minus(waiter.demand))

    def head(self, now: float) -> Waiter | None:
        """The next waiter to admit, None if the queue is empty."""
        interactive, batch = (next(iter(waiters), None) for waiters in self._waiters.values())
        if interactive is None or batch is None:
            return interactive or batch
        promoted = now - batch.since_s >= self._batch_patience_s
        return batch if promoted and batch.since_s < interactive.since_s else interactive

    def ahead_of(self, priority: Priority) -> Demand:
        """Total demand queued ahead of a new waiter of this priority."""
        if priority == "interactive":
            return self._demand["interactive"]
        return Demand(*map(sum, zip(*self._demand.values(), strict=True)))

    def _add(self, priority: Priority, demand: Demand) -> None:
        self._demand[priority] = self._demand[priority].minus(NO_DEMAND.minus(demand))
