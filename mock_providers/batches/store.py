"""The batches of one provider: each item gets its reply once its time has come, in the order of these times.

Nothing runs in the background. `settle` does whatever has come due since it was last called.
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
    """One request of a batch, as if it had come alone."""

    custom_id: str
    received: Received


class Result(NamedTuple):
    """The reply to an item: its HTTP status, and its body (JSON)."""

    status: int
    request_id: str
    body: bytes


class Settling(NamedTuple):
    """When what is due gets done, under which faults."""

    instant: Instant
    faults: Sequence[FaultBase]

    def at(self, now: float) -> Instant:
        """An instant of the loop's clock on all three clocks."""
        ago_s = self.instant.now - now
        return Instant(now, self.instant.t_s - ago_s, self.instant.wall_s - ago_s)


@dataclass(slots=True)
class Batch:
    """One batch.

    - `info`: who made it
    - `about`: what its protocol wants to know of it later
    - `number`: how many batches the provider had before
    - `answer`: makes the reply to an item, by its index; `close`: what there is to do at the end
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
        """When there is something to do for it."""
        done = len(self.results)
        if done < len(self._order) and (due := self.schedule.due[self._order[done]]) <= self.schedule.closes:
            return due
        return self.schedule.ends

    def advance(self, settling: Settling) -> Entry | None:
        """Do what comes next: answer an item, or close the batch."""
        done = len(self.results)
        if done < len(self._order) and self.schedule.due[self._order[done]] <= self.schedule.closes:
            item = self._order[done]
            self.results[item], entry = self.answer(
                self, item, settling.at(self.schedule.due[item]), settling.faults
            )
            return entry
        self.close(self, settling.at(self.schedule.ends))
        self.closed = True
        return None


class BatchStore:
    """Batches by their ids, in the order in which they were made."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._open: dict[str, Batch] = {}
        self._next_due = float("inf")
        self._made = 0

    def next_number(self) -> int:
        """0, 1, 2, …: one for each batch."""
        self._made += 1
        return self._made - 1

    def add(self, batch: Batch) -> None:
        """Take on a batch."""
        self._batches[batch.id] = self._open[batch.id] = batch
        self._look_ahead()

    def get(self, batch_id: str) -> Batch | None:
        """The batch, None when there is none."""
        return self._batches.get(batch_id)

    def newest_first(self) -> list[Batch]:
        """All batches."""
        return list(reversed(self._batches.values()))

    def cancel(self, batch: Batch, now: float) -> None:
        """Let nothing more of it be done."""
        batch.schedule = batch.schedule.cancel(now)
        self._look_ahead()

    def delete(self, batch: Batch) -> None:
        """Forget a batch."""
        self._batches.pop(batch.id, None)
        self._open.pop(batch.id, None)
        self._look_ahead()

    def settle(self, settling: Settling) -> list[Entry]:
        """Do all that has come due; the entries of the items that were answered, in the order of time."""
        entries: list[Entry] = []
        while self._next_due <= settling.instant.now:
            batch = min(self._open.values(), key=lambda batch: (batch.next_due, batch.number))
            entry = batch.advance(settling)
            if entry is not None:
                entries.append(entry)
            if batch.closed:
                del self._open[batch.id]
            self._look_ahead()
        return entries

    def _look_ahead(self) -> None:
        self._next_due = min((batch.next_due for batch in self._open.values()), default=float("inf"))
