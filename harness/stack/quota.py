"""What a target may still be asked for: its buckets, its slots, and until when it wants no more. Pure.

A request takes from all its meters at once or from none. What the provider's own headers say is compared
with what we believed at the same moment, when the request was sent, and only ever lowers what is left:
somebody else may use the same key, but nobody gives us more than we were told.
"""

from math import inf
from typing import NamedTuple

from pydantic import Field

from .aimd import AdaptiveOptions, Aimd
from .bucket import Bucket
from .options import Options
from .wire.meters import Meters

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
    """The state: a bucket for each meter (None: unlimited), and what is in flight."""

    buckets: tuple[Bucket | None, ...]
    in_flight: int = 0
    blocked_until_s: float = 0.0
    aimd: Aimd | None = None


class Taken(NamedTuple):
    """An admission: `wait_s` 0, and the levels it left; or how long to wait, infinite for a free slot."""

    wait_s: float
    levels: tuple[float | None, ...] = ()
    at_s: float = 0.0


def opened(options: QuotaOptions, now: float) -> Quota:
    """Full when the first request comes: the clock is known only then."""
    limits = (options.rpm, options.tpm, options.input_tpm, options.output_tpm)
    buckets = tuple(None if limit is None else Bucket.full(limit, options.burst_s, now) for limit in limits)
    aimd = None if options.adaptive is None else Aimd(options.adaptive.initial)
    return Quota(buckets, aimd=aimd)


def wait_s(quota: Quota, demand: Demand, now: float, queued: Demand = NO_DEMAND) -> float:
    """Seconds until `demand` can be taken once all that is `queued` before it has been, slots left aside."""
    longest_s = max(0.0, quota.blocked_until_s - now)
    for bucket, amount, before in zip(quota.buckets, demand, queued, strict=True):
        if bucket is not None:
            longest_s = max(longest_s, bucket.wait_s(amount, now, queued=before))
    return longest_s


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
    left = _less(quota, demand, now)._replace(in_flight=quota.in_flight + 1)
    levels = tuple(None if bucket is None else bucket.level for bucket in left.buckets)
    return left, Taken(0.0, levels, now)


def give_back(quota: Quota, unused: Demand, now: float) -> Quota:
    """A request is over, or was never sent: its slot is free, and what it did not use comes back."""
    return _less(quota, NO_DEMAND.minus(unused), now)._replace(in_flight=quota.in_flight - 1)


def blocked(quota: Quota, until_s: float, now: float) -> Quota:
    """The provider refused: nothing is left, and nothing goes before it wants to be asked again."""
    emptied = tuple(
        bucket and bucket._replace(level=min(0.0, bucket.level_at(now)), at_s=now) for bucket in quota.buckets
    )
    return quota._replace(buckets=emptied, blocked_until_s=max(quota.blocked_until_s, until_s))


def calibrated(options: QuotaOptions, quota: Quota, taken: Taken, meters: Meters, now: float) -> Quota:
    """Lowered to what the provider's headers say about the moment at which the request came to it."""
    buckets = []
    for bucket, believed, meter in zip(quota.buckets, taken.levels, meters, strict=True):
        limit, remaining = meter
        if limit and bucket is None:
            bucket = Bucket.full(limit, options.burst_s, now)  # learned from the headers
            believed = bucket.level
        if bucket is not None and limit:
            bucket = bucket.slowed_to(limit, now)
        if bucket is not None and remaining is not None and believed is not None:
            # Headers are whole numbers, rounded down: less than one apart is agreement. What was believed of
            # a bucket that has just turned out smaller was its whole capacity at most.
            excess = min(believed, bucket.capacity) - (remaining + 1)
            bucket = bucket.take(excess, now) if excess > 0 else bucket
        buckets.append(bucket)
    return quota._replace(buckets=tuple(buckets))


def _less(quota: Quota, demand: Demand, now: float) -> Quota:
    buckets = zip(quota.buckets, demand, strict=True)
    return quota._replace(buckets=tuple(bucket and bucket.take(amount, now) for bucket, amount in buckets))
