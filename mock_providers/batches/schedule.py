"""The life cycle of a batch, as a pure function of the time.

Nothing runs in the background: the completion time of each item is drawn when the batch is created, and the
state at any time follows from these, the deadline and the time of a cancel.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from ..exchange.draws import Draws
from ..exchange.options import Options, PositiveSeconds, Seconds
from ..latency.distributions import Latency, Lognormal

Phase = Literal[
    "validating", "failed", "in_progress", "finalizing", "cancelling", "completed", "expired", "cancelled"
]
Outcome = Literal["completed", "expired", "cancelled"]
ItemState = Literal["processing", "done", "expired", "canceled"]


class BatchOptions(Options):
    """Timing of a provider's batches. Providers promise a day and publish no times: the defaults are ours.

    - `validating_s`: validation of the input before work begins (default 5)
    - `completion`: time from then until an item is done, drawn for each (default lognormal, median 600 s,
      sigma 1)
    - `finalizing_s`: assembly of the results after the last item or a cancel (default 10)
    - `failure_share`: share of items that fail with a server error (default 0)
    - `expires_s`: items not done this long after the batch was created expire (default 86,400)
    - `enqueued_tokens`: what all batches that have not ended may have together, counted over the JSON of
      their requests (default: no limit). Above it OpenAI's batch fails, and Anthropic's is refused with a 429
    - `unique_ids`: whether a batch with two equal `custom_id`s is invalid (default true)
    """

    validating_s: Seconds = 5.0
    completion: Latency = Lognormal(median_s=600.0, sigma=1.0)
    finalizing_s: Seconds = 10.0
    failure_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    expires_s: PositiveSeconds = 86_400.0
    enqueued_tokens: Annotated[int, Field(gt=0)] | None = None
    unique_ids: bool = True


class Counts(NamedTuple):
    """Items by state; they sum to all items."""

    processing: int
    done: int
    expired: int
    canceled: int


@dataclass(frozen=True, slots=True)
class BatchSchedule:
    """The timeline of one batch. Times are seconds on the loop's clock.

    - `begins`: when work begins, after validation; `last`: when every item would be done
    - `due`: when each item would be done, by index
    - `valid`: whether its input is valid; if not, it fails when validation ends
    - `cancelled`: when the client cancelled it, None if never
    """

    created: float
    begins: float
    due: tuple[float, ...]
    last: float
    expires: float
    finalizing_s: float
    valid: bool = True
    cancelled: float | None = None

    @property
    def outcome(self) -> Outcome:
        """The first to end the work: completion of every item, a cancel, or the deadline."""
        stopped = self.expires if self.cancelled is None else min(self.expires, self.cancelled)
        if self.last <= stopped:
            return "completed"
        return "cancelled" if self.cancelled == stopped else "expired"

    @property
    def closes(self) -> float:
        """The time from which no further item completes."""
        return min(self.last, self.expires if self.cancelled is None else min(self.expires, self.cancelled))

    @property
    def failed(self) -> bool:
        """Whether it ends because its input is invalid."""
        return not self.valid and self.outcome == "completed"

    @property
    def ends(self) -> float:
        """The time from which its results can be fetched and its state is final."""
        return self.begins if self.failed else self.closes + self.finalizing_s

    def phase(self, now: float) -> Phase:
        """The status at `now`."""
        if now < min(self.begins, self.closes):
            return "validating"
        if self.failed:
            return "failed"
        if now < self.closes:
            return "in_progress"
        if now >= self.ends:
            return self.outcome
        return "cancelling" if self.outcome == "cancelled" else "finalizing"

    def ended(self, now: float) -> bool:
        """Whether its state is final at `now`."""
        return now >= self.ends

    def item_state(self, item: int, now: float) -> ItemState:
        """The state of an item at `now`."""
        due = self.due[item]
        if due <= min(now, self.closes):
            return "done"
        if now < self.closes:
            return "processing"
        return "canceled" if self.outcome == "cancelled" else "expired"

    def counts(self, now: float) -> Counts:
        """The number of items in each state at `now`."""
        done = sum(due <= min(now, self.closes) for due in self.due)
        rest = len(self.due) - done
        if now < self.closes:
            return Counts(rest, done, 0, 0)
        return Counts(0, done, 0, rest) if self.outcome == "cancelled" else Counts(0, done, rest, 0)

    def cancel(self, now: float) -> "BatchSchedule":
        """The schedule with a cancel at `now`; unchanged when it is too late."""
        if self.cancelled is not None or now >= self.closes:
            return self
        return replace(self, cancelled=now)


def schedule_batch(
    options: BatchOptions, items: Iterable[Draws], now: float, *, valid: bool = True
) -> BatchSchedule:
    """The schedule of a batch created at `now`; `items` are the draws of each item."""
    begins = now + options.validating_s
    due = tuple(begins + options.completion.draw(draws.rng("completion")) for draws in items)
    last = max(due, default=begins)
    return BatchSchedule(now, begins, due, last, now + options.expires_s, options.finalizing_s, valid)
