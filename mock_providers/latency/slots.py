"""A model under load: a number of slots, a queue before them, and a pace that slows as they fill.

A reply is planned when its request arrives, and its wait with it, from the planned ends of the replies before
it: one seed gives one plan, whatever happens later. A reply that ends early (its client hung up) frees its
slot for requests that arrive afterwards; a request already in the queue keeps its planned start, so the time
between is unused.
"""

import heapq
import math
from typing import Annotated

from pydantic import Field

from ..exchange.options import Options

_SPARE_ENTRIES = 64


class Load(Options):
    """Capacity of a model.

    - `slots`: replies in flight
    - `queue`: requests that may wait for a slot; further ones are refused as overloaded (default: no limit)
    - `slowdown`: factor of the gaps between chunks when every slot is busy; the excess over 1 is proportional
      to the busy share (default 1: load costs only the wait)
    """

    slots: Annotated[int, Field(gt=0)]
    queue: Annotated[int, Field(ge=0)] | None = None
    slowdown: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0

    def gap_factor(self, busy_share: float) -> float:
        """Factor of the gaps between chunks at this busy share."""
        return 1.0 + (self.slowdown - 1.0) * busy_share


class Place:
    """One request's place in the queue or in a slot.

    - `wait_s`: from its arrival until it has a slot
    - `busy_share`: share of the slots taken at its arrival, its own included
    """

    __slots__ = ("after", "before", "busy_share", "left", "slot", "start", "until", "wait_s")

    def __init__(self, wait_s: float, busy_share: float, start: float, slot: "_Slot") -> None:
        self.wait_s = wait_s
        self.busy_share = busy_share
        self.start = start
        self.until = math.inf
        self.slot = slot
        self.before: Place | None = None
        self.after: Place | None = None
        self.left = False

    def __lt__(self, other: "Place") -> bool:
        return self.start < other.start


class _Slot:
    """One slot: `last` is the newest place that holds or awaits it, `free_at` when that place ends."""

    __slots__ = ("busy", "entry", "free_at", "last")

    def __init__(self) -> None:
        self.free_at = 0.0
        self.busy = False
        self.entry = 0
        self.last: Place | None = None


class Slots:
    """The slots of one model and the requests in them; without a clock, amortised O(log n) per request.

    Per request call `enter`, then `occupy` before the next request enters (it sets when the slot is free
    again), and `leave` at the end.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._idle = [_Slot() for _ in range(load.slots)]
        # A slot whose end changes gets a new entry; the number distinguishes it from stale ones.
        self._busy: list[tuple[float, int, _Slot]] = []
        self._entries = 0
        self._queued: list[Place] = []
        self._queue_length = 0

    def enter(self, now: float) -> Place | None:
        """The place of a request that arrives at `now`, in the slot that is free first; None: queue full."""
        self._catch_up(now)
        if self._idle:
            slot = self._idle.pop()
        elif self._load.queue is None or self._queue_length < self._load.queue:
            slot = heapq.heappop(self._busy)[2]
        else:
            return None
        start = max(now, slot.free_at) if slot.busy else now
        busy_share = 1.0 - len(self._idle) / self._load.slots
        place = Place(start - now, busy_share, start, slot)
        self._append(place)
        if start > now:
            heapq.heappush(self._queued, place)
            self._queue_length += 1
        return place

    def occupy(self, place: Place, until: float) -> None:
        """The reply is planned to end at `until`."""
        place.until = max(until, place.start)
        if place.slot.last is place:
            self._schedule(place.slot, place.until)

    def leave(self, place: Place, now: float) -> None:
        """The reply has ended, as planned or earlier; only the first call counts."""
        if place.left:
            return
        self._catch_up(now)
        place.left = True
        if place.start > now:
            self._queue_length -= 1
        slot, before, after = place.slot, place.before, place.after
        place.before = place.after = None
        if before is not None:
            before.after = after
        if after is not None:
            after.before = before
            return
        slot.last = before
        if slot.busy:
            self._schedule(slot, now if before is None else before.until)

    def waiting(self, now: float) -> int:
        """How many requests wait for a slot at `now`."""
        self._catch_up(now)
        return self._queue_length

    def busy_share(self, now: float) -> float:
        """The share of the slots that are taken at `now`."""
        self._catch_up(now)
        return 1.0 - len(self._idle) / self._load.slots

    def _append(self, place: Place) -> None:
        slot = place.slot
        place.before = slot.last
        if slot.last is not None:
            slot.last.after = place
        slot.last = place
        self._schedule(slot, place.until)

    def _schedule(self, slot: _Slot, free_at: float) -> None:
        slot.free_at = free_at
        slot.busy = True
        slot.entry = self._entries
        self._entries += 1
        heapq.heappush(self._busy, (free_at, slot.entry, slot))
        if len(self._busy) > 4 * self._load.slots + _SPARE_ENTRIES:
            self._busy = [entry for entry in self._busy if _is_current(entry)]
            heapq.heapify(self._busy)

    def _catch_up(self, now: float) -> None:
        """Free the slots that have ended by `now`, and drop started requests from the queue."""
        while self._busy and (self._busy[0][0] <= now or not _is_current(self._busy[0])):
            entry = heapq.heappop(self._busy)
            if _is_current(entry):
                slot = entry[2]
                slot.busy = False
                self._idle.append(slot)
        while self._queued and (self._queued[0].left or self._queued[0].start <= now):
            if not heapq.heappop(self._queued).left:
                self._queue_length -= 1


def _is_current(entry: tuple[float, int, _Slot]) -> bool:
    return entry[2].busy and entry[2].entry == entry[1]
