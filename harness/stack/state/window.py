"""A sliding window of successes and failures, counted in slices of time (as Hystrix does). Plain values."""

from typing import NamedTuple


class Slice(NamedTuple):
    """The counts of one slice of time; `nth` numbers slices from the clock's 0."""

    nth: int
    good: int = 0
    bad: int = 0


Window = tuple[Slice, ...]


class WindowShape(NamedTuple):
    """The latest `length_s` seconds in `slices` equal parts: the window moves on by one part at a time."""

    length_s: float
    slices: int

    def counted(self, window: Window, now: float, *, good: int = 0, bad: int = 0) -> Window:
        """`window` with these counts added at `now`, without the slices that have become too old."""
        nth = int(now * self.slices / self.length_s)
        if window and window[-1].nth == nth:
            *kept, last = window
        else:
            kept, last = [old for old in window if old.nth > nth - self.slices], Slice(nth)
        return (*kept, Slice(nth, last.good + good, last.bad + bad))


def totals(window: Window) -> tuple[int, int]:
    """The sums of good and bad."""
    return sum(part.good for part in window), sum(part.bad for part in window)
