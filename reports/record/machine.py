"""A machine and its calibration: the errors of its clock and load generator, and the load they hold up to.

`brownout calibrate` plays a known schedule in rising steps and keeps the result, which later runs cite.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CALIBRATION_VERSION = 1

Ladder = Literal["rate", "in_flight"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class Machine(_Frozen):
    """The facts that a calibration depends on. `cpus`: those that a process may use. `versions`: of `locust`,
    `gevent` and `brownout`; None where one is not installed."""

    cpu_model: str
    cpus: int = Field(ge=1)
    kernel: str
    python: str
    versions: Mapping[str, str | None] = Field(default_factory=dict)

    def changes(self, earlier: "Machine") -> tuple[str, ...]:
        """The differences from an earlier look at the machine: "kernel 6.1.0 → 6.8.0"."""
        now, before = self._facts(), earlier._facts()
        names = list(dict.fromkeys((*before, *now)))
        return tuple(
            f"{name} {before.get(name) or 'none'} → {now.get(name) or 'none'}"
            for name in names
            if before.get(name) != now.get(name)
        )

    def _facts(self) -> dict[str, str | None]:
        own = {"CPU": self.cpu_model, "CPUs": str(self.cpus), "kernel": self.kernel, "Python": self.python}
        return {**own, **self.versions}


class ErrorSpread(_Frozen):
    """A signed error in seconds, measured minus known, over `n` values: its 1st, 50th and 99th percentile.

    Negative: the client measured less than there was. None where `n` is 0.
    """

    p01_s: float | None = None
    p50_s: float | None = None
    p99_s: float | None = None
    n: int = 0

    @property
    def worst_s(self) -> float | None:
        """The end further from zero."""
        ends = (self.p99_s, self.p01_s)
        return max((end for end in ends if end is not None), key=abs, default=None)


class CalibrationStep(_Frozen):
    """One step of a ladder, which raises the rate of calls or the streams in flight.

    `busiest_per_s`: calls planned in the busiest second. `in_flight`: most calls open at once.
    `unanswered`: calls without a whole answer. `provider_late_s_p99`: the provider's own lateness, content
    sent after it was due. `doubt`: the first limit that the step exceeds; None: its measurements can be
    trusted.
    """

    ladder: Ladder
    busiest_per_s: float
    in_flight: int
    calls: int
    unanswered: int
    send_lag_s_p99: float | None
    provider_late_s_p99: float | None
    ttft: ErrorSpread
    itl: ErrorSpread
    total: ErrorSpread
    doubt: str | None = None


class Timer(_Frozen):
    """The clock's smallest step, and how late a sleep of 1 ms ends, in seconds."""

    resolution_s: float
    sleep_late_s_p50: float
    sleep_late_s_p99: float


class MachineCalibration(_Frozen):
    """The kept result of `brownout calibrate`.

    `highest_*`: of the steps up to the first doubtful one of each ladder; 0 when the first is doubtful.
    `*_open_ended`: every step of that ladder was trustworthy, so the true limit is higher.
    """

    schema_version: Literal[1] = 1
    measured_at: str
    quick: bool
    machine: Machine
    timer: Timer
    highest_rate_per_s: float
    highest_in_flight: int
    rate_open_ended: bool
    in_flight_open_ended: bool
    steps: tuple[CalibrationStep, ...]

    @property
    def at_highest(self) -> CalibrationStep | None:
        """The trustworthy step with the most streams in flight."""
        trusted = [step for step in self.steps if step.doubt is None]
        return max(trusted, key=lambda step: step.in_flight, default=None)
