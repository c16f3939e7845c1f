"""The remaining quota of a target: token buckets, concurrency slots and a pause after a 429. Pure.

A request takes from all buckets and a slot at once, or from none.

Calibration: the provider's headers are compared with our levels at the same moment, when the request was
sent; everything in flight had been taken from our buckets by then, so it is not counted twice. The difference
is what other clients have used, and is taken from our level. Each request in flight reports that same use, so
corrections made since it was sent are left out of the comparison. Headers only ever lower a level: no
provider grants more than its configured limit. When one request overtakes another on the way, the later one's
header looks short by the first one's demand; that is corrected once, not for each pair, since later requests
were sent with a lower level.

Some providers charge output tokens only when the reply ends, and refuse requests while the balance is
negative. By then our bucket has regained part of the reservation, which theirs, still full, could not; so a
second bucket, `credit`, is charged as theirs is, and nothing is sent while it is empty.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from pydantic import Field

from ..config.options import Options
from ..core.rate_meters import Meter, Meters
from ..state.token_bucket import Bucket
from .adaptive import AdaptiveOptions, Aimd

ROUNDING_S = 1e-9
"""Shorter waits are rounding errors: waiting for one would set the same timer again."""


class QuotaOptions(Options):
    """Per minute: `rpm` requests, `tpm` tokens as the provider counts them on arrival, `input_tpm`,
    `output_tpm`; `burst_s` 60: capacity of a bucket, in seconds of its rate; `concurrency`: most requests in
    flight, or `adaptive` to learn it. An absent limit is unlimited.
    """

    rpm: float | None = Field(default=None, gt=0)
    tpm: float | None = Field(default=None, gt=0)
    input_tpm: float | None = Field(default=None, gt=0)
    output_tpm: float | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    adaptive: AdaptiveOptions | None = None


class Demand(NamedTuple):
    """The amounts that a request takes from each bucket, in the order of `Quota.buckets`."""

    requests: float = 1.0
    tokens: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0

    def minus(self, other: "Demand") -> "Demand":
        """The difference, bucket by bucket."""
        return Demand(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


NO_DEMAND = Demand(0.0)


class Quota(NamedTuple):
    """The state of one target's limits.

    `buckets`: one per limit (None: unlimited). `corrections`: by how much calibration has lowered each bucket
    so far, in total. `credit`: the output bucket of a provider that charges when the reply ends.
    """

    buckets: tuple[Bucket | None, ...]
    in_flight: int = 0
    paused_until_s: float = 0.0
    aimd: Aimd | None = None
    corrections: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    credit: Bucket | None = None


class Admission(NamedTuple):
    """`wait_s` 0: admitted at `at_s`, which left `levels` in the buckets, corrections so far added back.
    Otherwise not admitted: `wait_s` is the time to wait, infinite if a slot must become free first.
    """

    wait_s: float
    levels: tuple[float | None, ...] = ()
    at_s: float = 0.0


def initial(options: QuotaOptions, now: float) -> Quota:
    """Full buckets at the time of the first request."""
    limits = (options.rpm, options.tpm, options.input_tpm, options.output_tpm)
    buckets = tuple(None if limit is None else Bucket.full(limit, options.burst_s, now) for limit in limits)
    aimd = None if options.adaptive is None else options.adaptive.initial_state()
    return Quota(buckets, aimd=aimd, credit=buckets[-1])


def wait_s(quota: Quota, demand: Demand, now: float, queued: Demand = NO_DEMAND) -> float:
    """Seconds until the buckets hold `demand` on top of what is `queued` ahead of it, regardless of slots."""
    longest_s = max(0.0, quota.paused_until_s - now)
    for bucket, amount, before in zip(quota.buckets, demand, queued, strict=True):
        if bucket is not None:
            longest_s = max(longest_s, bucket.wait_s(amount, now, queued=before))
    return longest_s if quota.credit is None else max(longest_s, quota.credit.wait_s(1.0, now))


def slots(options: QuotaOptions, quota: Quota) -> float:
    """Most requests in flight."""
    configured = inf if options.concurrency is None else options.concurrency
    return configured if quota.aimd is None else min(configured, int(quota.aimd.limit))


def take(options: QuotaOptions, quota: Quota, demand: Demand, now: float) -> tuple[Quota, Admission]:
    """Take `demand` from every bucket and a slot, or return the time to wait."""
    if quota.in_flight >= slots(options, quota):
        return quota, Admission(inf)
    missing_s = wait_s(quota, demand, now)
    if missing_s > ROUNDING_S:
        return quota, Admission(missing_s)
    left = _without(quota, demand, now)
    corrected = zip(left.buckets, left.corrections, strict=True)
    levels = tuple([None if bucket is None else bucket.level + amount for bucket, amount in corrected])
    return left._replace(in_flight=left.in_flight + 1), Admission(0.0, levels, now)


def release(quota: Quota, unused: Demand, now: float, output_tokens: float = 0.0) -> Quota:
    """A request has ended, or was never sent: its slot is free, and the `unused` part of its demand returns.

    `output_tokens` are charged to `credit` now.
    """
    left = quota if unused == NO_DEMAND else _without(quota, NO_DEMAND.minus(unused), now)
    credit = left.credit and left.credit.take(output_tokens, now)
    return left._replace(in_flight=left.in_flight - 1, credit=credit)


def paused(quota: Quota, until_s: float) -> Quota:
    """After a 429: nothing is admitted before `until_s`."""
    return quota._replace(paused_until_s=max(quota.paused_until_s, until_s))


def emptied(quota: Quota, now: float) -> Quota:
    """After a 429 that does not say what is left: every bucket is empty, the queue moves at the refill."""
    empty = [bucket and bucket.take(max(0.0, bucket.level_at(now)), now) for bucket in quota.buckets]
    return _lowered(quota, empty, now)


def calibrated(
    options: QuotaOptions, quota: Quota, admission: Admission, meters: Meters, now: float
) -> Quota:
    """Lowered to the headers of a reply, which hold for the moment when its request reached the provider."""
    known = zip(quota.buckets, admission.levels, quota.corrections, meters, strict=True)
    buckets = [
        _bucket_of(options, meter, now)
        if bucket is None
        else _corrected(bucket, None if level is None else level - correction, meter, now)
        for bucket, level, correction, meter in known
    ]
    output, credit = meters[-1], quota.credit
    if credit is not None and output.limit_per_min:
        credit = credit.slowed_to(output.limit_per_min, now)
    return _lowered(quota._replace(credit=credit), buckets, now)


def _bucket_of(options: QuotaOptions, meter: Meter, now: float) -> Bucket | None:
    """The bucket of a limit that is not configured and that the headers report."""
    if not meter.limit_per_min:
        return None
    bucket = Bucket.full(meter.limit_per_min, options.burst_s, now)
    return bucket if meter.remaining is None else bucket.take(bucket.level - _remaining(meter), now)


def _corrected(bucket: Bucket, expected: float | None, meter: Meter, now: float) -> Bucket:
    """`bucket` lowered to `meter`; `expected` (None: unknown) was our level when the request was sent."""
    slower = bucket.slowed_to(meter.limit_per_min, now) if meter.limit_per_min else bucket
    if expected is None:
        return slower
    excess = expected - min(slower.capacity, _remaining(meter))
    if excess <= 0:
        return slower
    # Taken from the larger bucket first: its excess must not put the smaller one into debt.
    lower = bucket.take(excess, now)
    return lower._replace(rate=slower.rate, capacity=slower.capacity, level=min(slower.capacity, lower.level))


def _remaining(meter: Meter) -> float:
    """The most that may remain: headers are whole numbers, rounded down."""
    return inf if meter.remaining is None else meter.remaining + 1


def _lowered(quota: Quota, buckets: Sequence[Bucket | None], now: float) -> Quota:
    """With these buckets in place of its own; what that takes away is added to the corrections."""
    changes = zip(quota.buckets, buckets, quota.corrections, strict=True)
    corrections = [
        total if old is None or new is None else total + max(0.0, old.level_at(now) - new.level_at(now))
        for old, new, total in changes
    ]
    return quota._replace(buckets=tuple(buckets), corrections=tuple(corrections))


def _without(quota: Quota, demand: Demand, now: float) -> Quota:
    buckets = zip(quota.buckets, demand, strict=True)
    return quota._replace(buckets=tuple([bucket and bucket.take(amount, now) for bucket, amount in buckets]))
