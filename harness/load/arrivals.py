"""Start times of calls: the arrival kinds of a scenario's `[arrivals]`, and the times they produce.

| kind | keys | times |
| --- | --- | --- |
| `constant` | `rate_per_s` (calls/s, > 0) | evenly spaced, the first at 0 |
| `poisson` | `rate_per_s` (calls/s on average, > 0) | independent exponential gaps |
| `diurnal` | `rate_per_s` (mean over a day), `swing` 0.7, `period_s` 86400 | Poisson, its rate a sine wave |
| `ramp` | `from_rate_per_s`, `to_rate_per_s` (calls/s, > 0) | Poisson, its rate a straight line |
| `trace` | `file`, `slice`, `speed`, …: `TraceOptions` | the trace's own, the first at 0 |

A further kind is one more options class in `Arrivals` and one more case in `arrival_times`.
"""

from collections.abc import Callable, Iterator
from itertools import count, takewhile
from math import cos, pi
from random import Random
from typing import Annotated, Literal, assert_never

from pydantic import Field

from harness.errors import InputError

from .draws import rng
from .strict import StrictModel
from .trace import Trace
from .traces.options import TraceOptions

Rate = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


class ConstantArrivals(StrictModel):
    """Evenly spaced calls: `{kind = "constant", rate_per_s = 20}`."""

    kind: Literal["constant"] = "constant"
    rate_per_s: Rate


class PoissonArrivals(StrictModel):
    """A Poisson process, as many independent users make it: `{kind = "poisson", rate_per_s = 20}`."""

    kind: Literal["poisson"] = "poisson"
    rate_per_s: Rate


class DiurnalArrivals(StrictModel):
    """Days and nights: `{kind = "diurnal", rate_per_s = 1}`.

    A Poisson process of rate `rate_per_s` * (1 - `swing` * cos(2 pi t / `period_s`)): lowest at t = 0
    (night), highest half a period later.
    """

    kind: Literal["diurnal"] = "diurnal"
    rate_per_s: Rate
    swing: Annotated[float, Field(ge=0, le=1)] = 0.7
    period_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 86_400.0


class RampArrivals(StrictModel):
    """Growing or shrinking load: `{kind = "ramp", from_rate_per_s = 10, to_rate_per_s = 30}`.

    A Poisson process whose rate is linear in time, from `from_rate_per_s` at the start of the run to
    `to_rate_per_s` at its end.
    """

    kind: Literal["ramp"] = "ramp"
    from_rate_per_s: Rate
    to_rate_per_s: Rate


class TraceArrivals(TraceOptions):
    """Recorded traffic: `{kind = "trace", file = "mine.csv"}`, or `--trace FILE`; keys in `TraceOptions`."""

    kind: Literal["trace"] = "trace"


Arrivals = Annotated[
    ConstantArrivals | PoissonArrivals | DiurnalArrivals | RampArrivals | TraceArrivals,
    Field(discriminator="kind"),
]


def arrival_times(
    arrivals: Arrivals, seed: int, duration_s: float, trace: Trace | None = None
) -> list[float]:
    """Sorted start times in seconds, each in [0, duration_s). A longer duration only adds times at the end,
    but makes a ramp less steep.

    Raises InputError for arrivals of kind `trace` without a trace, and for others with one.
    """
    return list(takewhile(lambda at_s: at_s < duration_s, _times(arrivals, seed, duration_s, trace)))


def describe_arrivals(arrivals: Arrivals, trace: Trace | None = None) -> str:
    """The arrivals in a few words, for the report: "Poisson, 20 calls/s on average"."""
    match arrivals:
        case ConstantArrivals(rate_per_s=rate):
            return f"constant, {rate:g} calls/s"
        case PoissonArrivals(rate_per_s=rate):
            return f"Poisson, {rate:g} calls/s on average"
        case DiurnalArrivals(rate_per_s=rate, swing=swing, period_s=period_s):
            low, high = rate * (1 - swing), rate * (1 + swing)
            return f"Poisson, {low:g} to {high:g} calls/s in a wave of {period_s / 3600:g} h"
        case RampArrivals(from_rate_per_s=start, to_rate_per_s=end):
            return f"Poisson, from {start:g} to {end:g} calls/s in a straight line"
        case TraceArrivals():
            return _recorded(arrivals, _checked(arrivals, trace))
        case _:
            assert_never(arrivals)


def _recorded(arrivals: TraceArrivals, trace: Trace) -> str:
    part, extras = arrivals.slice, ""
    if part.to_s is not None:
        extras += f", {part.from_s:g} to {part.to_s:g} s"
    elif part.from_s:
        extras += f", from {part.from_s:g} s on"
    if arrivals.speed != 1.0:
        extras += f", {arrivals.speed:g} times as fast"
    if arrivals.scale != 1.0:
        extras += f", {arrivals.scale:g} calls for each recorded one"
    return f"the recorded times of {trace.name}{extras}"


def _times(arrivals: Arrivals, seed: int, duration_s: float, trace: Trace | None) -> Iterator[float]:
    """Times without end, except those of a trace."""
    if isinstance(arrivals, TraceArrivals):
        return (row.at_s for row in _checked(arrivals, trace).rows)
    if trace is not None:
        raise InputError(f'arrivals.kind: expected "trace" because a trace is given, got "{arrivals.kind}"')
    match arrivals:
        case ConstantArrivals(rate_per_s=rate):
            return (n / rate for n in count())
        case PoissonArrivals(rate_per_s=rate):
            return _poisson(rate, seed)
        case DiurnalArrivals():
            return _diurnal(arrivals, seed)
        case RampArrivals():
            return _ramp(arrivals, seed, duration_s)
        case _:
            assert_never(arrivals)


def _poisson(rate_per_s: float, seed: int) -> Iterator[float]:
    gaps = rng(seed, "poisson gaps")
    at_s = gaps.expovariate(rate_per_s)
    while True:
        yield at_s
        at_s += gaps.expovariate(rate_per_s)


def _diurnal(arrivals: DiurnalArrivals, seed: int) -> Iterator[float]:
    mean, swing, period_s = arrivals.rate_per_s, arrivals.swing, arrivals.period_s

    def share(at_s: float) -> float:
        return (1 - swing * cos(2 * pi * at_s / period_s)) / (1 + swing)

    return _thinned(_poisson(mean * (1 + swing), seed), share, rng(seed, "diurnal keeps"))


def _ramp(arrivals: RampArrivals, seed: int, duration_s: float) -> Iterator[float]:
    start, end = arrivals.from_rate_per_s, arrivals.to_rate_per_s
    highest = max(start, end)

    def share(at_s: float) -> float:
        return (start + (end - start) * at_s / duration_s) / highest

    times = takewhile(lambda at_s: at_s < duration_s, _poisson(highest, seed))
    return _thinned(times, share, rng(seed, "ramp keeps"))


def _thinned(times: Iterator[float], share: Callable[[float], float], keep: Random) -> Iterator[float]:
    """Thinning (Lewis and Shedler, 1979): each time of a Poisson process at the highest rate is kept with
    probability rate(t) / highest rate.
    """
    return (at_s for at_s in times if keep.random() < share(at_s))


def _checked(arrivals: TraceArrivals, trace: Trace | None) -> Trace:
    if trace is None:
        raise InputError(f'arrivals.kind: "{arrivals.kind}" plays a trace file, expected --trace FILE')
    return trace
