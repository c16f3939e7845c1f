"""The batches of one provider; items are answered in the order in which they are due.

Nothing runs in the background: `settle` answers all items that are due since the last call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..exchange.received import Instant, Received
from ..exchange.request_info import RequestInfo
from ..faults.base import FaultBase
from ..ledger.entry import Entry
from .schedule import BatchSchedule


class Item(NamedTuple):
    """One request of a batch."""

    custom_id: str
    received: Received


class Result(NamedTuple):
    """The reply to an item: its HTTP status, and its body (JSON)."""

    status: int
    request_id: str
    body: bytes


class Settlement(NamedTuple):
    """The instant of a settlement, and the fault schedule in force."""

    instant: Instant
    faults: Sequence[FaultBase]

    def at(self, now: float) -> Instant:
        """The instant at which the loop's clock read `now`."""
        ago_s = self.instant.now - now
        return Instant(now, self.instant.t_s - ago_s, self.instant.wall_s - ago_s)


@dataclass(slots=True)
class Batch:
    """One batch.

    - `info`: of the request that created it
    - `about`: values that its protocol needs later
    - `number`: how many batches the provider had before
    - `answer`: replies to the item with that index; `close`: called at the end
    - `results`: of the items that are done, by index
    """

    id: str
    number: int
    info: RequestInfo
    items: Sequence[Item]
    schedule: BatchSchedule
    about: Mapping[str, object]
    answer: Callable[["Batch", int, Instant, Sequence[FaultBase]], tuple[Result, Entry]]
    close: Callable[["Batch", Instant], None]
    results: dict[int, Result] = field(default_factory=dict)
    closed: bool = False
    _order: list[int] = field(init=False)

    def __post_init__(self) -> None:
        due = self.schedule.due
        self._order = sorted(range(len(due)), key=lambda item: due[item])

    @property
    def next_due(self) -> float:
        """When its next item, or its end, is due."""
        done = len(self.results)
        if done < len(self._order) and (due := self.schedule.due[self._order[done]]) <= self.schedule.closes:
            return due
        return self.schedule.ends

    def advance(self, settlement: Settlement) -> Entry | None:
        """Answer the next item, or close the batch."""
        done = len(self.results)
        if done < len(self._order) and self.schedule.due[self._order[done]] <= self.schedule.closes:
            item = self._order[done]
            self.results[item], entry = self.answer(
                self, item, settlement.at(self.schedule.due[item]), settlement.faults
            )
            return entry
        self.close(self, settlement.at(self.schedule.ends))
        self.closed = True
        return None


class BatchStore:
    """Batches by id, oldest first."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._open: dict[str, Batch] = {}
        self._next_due = float("inf")
        self._made = 0

    def next_number(self) -> int:
        """The number of the next batch: 0, 1, 2, …"""
        self._made += 1
        return self._made - 1

    def add(self, batch: Batch) -> None:
        """Add a batch."""
        self._batches[batch.id] = self._open[batch.id] = batch
        self._look_ahead()

    def get(self, batch_id: str) -> Batch | None:
        """The batch, None when it does not exist."""
        return self._batches.get(batch_id)

    def newest_first(self) -> list[Batch]:
        """All batches, the newest first."""
        return list(reversed(self._batches.values()))

    def cancel(self, batch: Batch, now: float) -> None:
        """Stop work on a batch."""
        batch.schedule = batch.schedule.cancel(now)
        self._look_ahead()

    def delete(self, batch: Batch) -> None:
        """Delete a batch."""
        self._batches.pop(batch.id, None)
        self._open.pop(batch.id, None)
        self._look_ahead()

    def settle(self, settlement: Settlement) -> list[Entry]:
        """Answer all due items and close ended batches; the ledger entries of the items, in order of time."""
        entries: list[Entry] = []
        while self._next_due <= settlement.instant.now:
            batch = min(self._open.values(), key=lambda batch: (batch.next_due, batch.number))
            entry = batch.advance(settlement)
            if entry is not None:
                entries.append(entry)
            if batch.closed:
                del self._open[batch.id]
            self._look_ahead()
        return entries

    def _look_ahead(self) -> None:
        self._next_due = min((batch.next_due for batch in self._open.values()), default=float("inf"))
