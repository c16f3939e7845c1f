"""What a target may still be asked for: its buckets, its slots, and until when it wants no more. Pure.

A request takes from all its meters at once or from none. What the provider's own headers say is compared
with what we believed at the same moment, when the request was sent: by then we had taken for everything
that was in flight, so none of it is taken twice. The difference is what somebody else has used, and is
taken away, too. Every request in flight tells of the same use, so what has been taken away since it was
sent is left out of the comparison. Headers only ever lower what is left: nobody gives us more than we were
told. A request that overtakes another on the way makes the later one's header look short by what the first
one took; that is taken away once, not for each such pair, since what follows was sent with less believed.

Some providers charge output tokens only once they have been said, and refuse while anything is owed. By then
our bucket has regained part of what was reserved, which theirs, still full, could not: so a second bucket is
charged as theirs is, and nothing goes while it is empty.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from pydantic import Field

from ..core.options import Options
from ..core.rate_meters import Meter, Meters
from ..state.token_bucket import Bucket
from .adaptive import AdaptiveOptions, Aimd

ROUNDING_S = 1e-9
"""A wait this short is floating-point dust: waiting for it would set the same timer again."""


class QuotaOptions(Options):
    """Per minute: `rpm` requests, `tpm` tokens as the provider counts them on arrival, `input_tpm`,
    `output_tpm`; `burst_s` 60: seconds' worth that a full bucket holds; `concurrency`: requests in
    flight, or `adaptive` to find out. Whatever is absent is unlimited.
    """

    rpm: float | None = Field(default=None, gt=0)
    tpm: float | None = Field(default=None, gt=0)
    input_tpm: float | None = Field(default=None, gt=0)
    output_tpm: float | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    adaptive: AdaptiveOptions | None = None


class Demand(NamedTuple):
    """What a request takes, in the order of the buckets."""

    requests: float = 1.0
    tokens: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0

    def minus(self, other: "Demand") -> "Demand":
        """What is left of it without the other."""
        return Demand(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


NO_DEMAND = Demand(0.0)


class Quota(NamedTuple):
    """The state: a bucket for each meter (None: unlimited), what is in flight, and `taken_away`: how much
    each bucket has ever been lowered because the provider said or showed that less was left. `credit` is the
    output bucket of a provider that charges at the end.
    """

    buckets: tuple[Bucket | None, ...]
    in_flight: int = 0
    blocked_until_s: float = 0.0
    aimd: Aimd | None = None
    taken_away: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    credit: Bucket | None = None


class Taken(NamedTuple):
    """An admission: `wait_s` 0, and `levels`: what it left, as if nothing had ever been taken away; or how
    long to wait, infinite for a free slot.
    """

    wait_s: float
    levels: tuple[float | None, ...] = ()
    at_s: float = 0.0


def opened(options: QuotaOptions, now: float) -> Quota:
    """Full when the first request comes: the clock is known only then."""
    limits = (options.rpm, options.tpm, options.input_tpm, options.output_tpm)
    buckets = tuple(None if limit is None else Bucket.full(limit, options.burst_s, now) for limit in limits)
    aimd = None if options.adaptive is None else options.adaptive.opening()
    return Quota(buckets, aimd=aimd, credit=buckets[-1])


def wait_s(quota: Quota, demand: Demand, now: float, queued: Demand = NO_DEMAND) -> float:
    """Seconds until `demand` can be taken once all that is `queued` before it has been, slots left aside."""
    longest_s = max(0.0, quota.blocked_until_s - now)
    for bucket, amount, before in zip(quota.buckets, demand, queued, strict=True):
        if bucket is not None:
            longest_s = max(longest_s, bucket.wait_s(amount, now, queued=before))
    return longest_s if quota.credit is None else max(longest_s, quota.credit.wait_s(1.0, now))


def slots(options: QuotaOptions, quota: Quota) -> float:
    """How many requests may be in flight."""
    told = inf if options.concurrency is None else options.concurrency
    return told if quota.aimd is None else min(told, int(quota.aimd.limit))


def take(options: QuotaOptions, quota: Quota, demand: Demand, now: float) -> tuple[Quota, Taken]:
    """Take from every meter, or tell how long to wait."""
    if quota.in_flight >= slots(options, quota):
        return quota, Taken(inf)
    missing_s = wait_s(quota, demand, now)
    if missing_s > ROUNDING_S:
        return quota, Taken(missing_s)
    left = _less(quota, demand, now)
    away = zip(left.buckets, left.taken_away, strict=True)
    levels = tuple([None if bucket is None else bucket.level + lost for bucket, lost in away])
    return left._replace(in_flight=left.in_flight + 1), Taken(0.0, levels, now)


def give_back(quota: Quota, unused: Demand, now: float, said_tokens: float = 0.0) -> Quota:
    """A request is over, or was never sent: its slot is free, and what it did not use comes back.

    `said_tokens` of output are charged now by a provider that does so at the end.
    """
    left = quota if unused == NO_DEMAND else _less(quota, NO_DEMAND.minus(unused), now)
    credit = left.credit and left.credit.take(said_tokens, now)
    return left._replace(in_flight=left.in_flight - 1, credit=credit)


def blocked(quota: Quota, until_s: float) -> Quota:
    """The provider refused: nothing goes before it wants to be asked again."""
    return quota._replace(blocked_until_s=max(quota.blocked_until_s, until_s))


def emptied(quota: Quota, now: float) -> Quota:
    """The provider refused without saying what is left: nothing is, so that the line moves on slowly."""
    empty = [bucket and bucket.take(max(0.0, bucket.level_at(now)), now) for bucket in quota.buckets]
    return _lowered(quota, empty, now)


def calibrated(options: QuotaOptions, quota: Quota, taken: Taken, meters: Meters, now: float) -> Quota:
    """Lowered to what the provider's headers say about the moment at which the request came to it."""
    known = zip(quota.buckets, taken.levels, quota.taken_away, meters, strict=True)
    told = [
        _learned(options, meter, now)
        if bucket is None
        else _told(bucket, None if level is None else level - away, meter, now)
        for bucket, level, away, meter in known
    ]
    output, credit = meters[-1], quota.credit
    if credit is not None and output.limit_per_min:
        credit = credit.slowed_to(output.limit_per_min, now)
    return _lowered(quota._replace(credit=credit), told, now)


def _learned(options: QuotaOptions, meter: Meter, now: float) -> Bucket | None:
    """A limit that nobody had told us."""
    if not meter.limit_per_min:
        return None
    bucket = Bucket.full(meter.limit_per_min, options.burst_s, now)
    return bucket if meter.remaining is None else bucket.take(bucket.level - _at_most(meter), now)


def _told(bucket: Bucket, believed: float | None, meter: Meter, now: float) -> Bucket:
    """The bucket that `meter` tells of; `believed` (None: not known) was in it when the request was sent."""
    slower = bucket.slowed_to(meter.limit_per_min, now) if meter.limit_per_min else bucket
    if believed is None:
        return slower
    excess = believed - min(slower.capacity, _at_most(meter))
    if excess <= 0:
        return slower
    # Lowered first: what was believed of the larger bucket is not missing from the smaller one.
    lower = bucket.take(excess, now)
    return lower._replace(rate=slower.rate, capacity=slower.capacity, level=min(slower.capacity, lower.level))


def _at_most(meter: Meter) -> float:
    """Headers are whole numbers, rounded down: less than one apart is agreement."""
    return inf if meter.remaining is None else meter.remaining + 1


def _lowered(quota: Quota, buckets: Sequence[Bucket | None], now: float) -> Quota:
    """With these buckets in place of its own, and a note of what that took away."""
    changes = zip(quota.buckets, buckets, quota.taken_away, strict=True)
    away = [
        lost if old is None or new is None else lost + max(0.0, old.level_at(now) - new.level_at(now))
        for old, new, lost in changes
    ]
    return quota._replace(buckets=tuple(buckets), taken_away=tuple(away))


def _less(quota: Quota, demand: Demand, now: float) -> Quota:
    buckets = zip(quota.buckets, demand, strict=True)
    return quota._replace(buckets=tuple([bucket and bucket.take(amount, now) for bucket, amount in buckets]))
