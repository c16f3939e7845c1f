"""Circuit breaker: stop sending to a target that fails most attempts, then probe it with growing load.

Closed, it counts answers and failures in a sliding window. Open, it rejects at once, for a cooldown that
doubles with each failed recovery. Half-open, it admits one probe, then two, four, … at a time; one failed
probe opens it again. Sources: M. Nygard, Release It!, "Circuit Breaker"; the window of buckets is Hystrix's;
the growing number of probes spares a provider that has just recovered the full load at once.

A fault of our API key (401, 402, 403, a spent quota) says nothing about the provider and is counted apart. A
429 belongs to the limiter and is not counted, nor is the fault of one key while another is in use.
"""

import asyncio
from typing import Literal, NamedTuple

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.draws import uniform
from ..core.errors import ProviderError, Rejected
from ..core.kinds import BreakerCount
from ..core.reply import Outcome, Reply
from ..state.backend import Backend, MemoryBackend
from ..state.window import Window, WindowShape, totals

State = Literal["closed", "open", "half-open"]
Verdict = Literal["answered", "provider fault", "key fault", "neither"]

VERDICTS: dict[BreakerCount, Verdict] = {"fault": "provider fault", "key": "key fault", "none": "neither"}


class BreakerOptions(Options):
    """`window_s` 30 seconds in `buckets` 10; opens at `failure_share` 0.5 of at least `min_samples` 20 in the
    window, or after `key_faults` 3 faults of the key in a row; cooldown `open_s` 5 seconds, doubled with each
    failed recovery up to `max_open_s` 120, times U(1 ± `jitter` 0.2); closes after `probes` 8 good probes in
    a row.
    """

    window_s: float = Field(default=30.0, gt=0)
    buckets: int = Field(default=10, ge=1, le=100)
    failure_share: float = Field(default=0.5, gt=0, le=1)
    min_samples: int = Field(default=20, ge=1)
    key_faults: int = Field(default=3, ge=1)
    open_s: float = Field(default=5.0, gt=0)
    max_open_s: float = Field(default=120.0, gt=0)
    jitter: float = Field(default=0.2, ge=0, lt=1)
    probes: int = Field(default=8, ge=1)

    @property
    def shape(self) -> WindowShape:
        """The window in which answers and faults are counted."""
        return WindowShape(self.window_s, self.buckets)


class Circuit(NamedTuple):
    """A breaker's state.

    `until_s` ends the cooldown. Half-open, `probing` probes are in flight and `proven` have succeeded.
    `failed_recoveries` in a row double the cooldown. `openings` counts openings and closings: it keys the
    jitter and dates admissions.
    """

    window: Window = ()
    key_faults: int = 0
    open: bool = False
    until_s: float = 0.0
    probing: int = 0
    proven: int = 0
    failed_recoveries: int = 0
    openings: int = 0

    def state(self, now: float) -> State:
        """Closed, open (cooling down) or half-open."""
        if not self.open:
            return "closed"
        return "open" if now < self.until_s else "half-open"

    def cooldown_s(self, now: float) -> float:
        """Seconds until the next probe may go, 0 if one may now."""
        return max(0.0, self.until_s - now) if self.open else 0.0


class Admission(NamedTuple):
    """Whether an attempt may go. Its outcome counts only while the circuit's `openings` equals `opening`."""

    allowed: bool
    probe: bool
    opening: int
    cooldown_s: float


def admit(circuit: Circuit, now: float) -> tuple[Circuit, Admission]:
    """Admit an attempt or not. Half-open, one more probe may be in flight than have succeeded."""
    state = circuit.state(now)
    if state == "half-open" and circuit.probing <= circuit.proven:
        probing = circuit._replace(probing=circuit.probing + 1)
        return probing, Admission(True, True, circuit.openings, 0.0)
    cooldown_s = circuit.cooldown_s(now)
    return circuit, Admission(state == "closed", False, circuit.openings, cooldown_s)


def record(
    options: BreakerOptions, circuit: Circuit, admission: Admission, verdict: Verdict, now: float, u: float
) -> Circuit:
    """The circuit after an attempt; `u` in [0, 1) jitters the cooldown if this opens it."""
    if admission.opening != circuit.openings:
        return circuit
    if admission.probe:
        return _after_probe(options, circuit._replace(probing=circuit.probing - 1), verdict, now, u)
    if circuit.open or verdict == "neither":
        return circuit
    if verdict == "key fault":
        faults = circuit.key_faults + 1
        circuit = circuit._replace(key_faults=faults)
        return circuit if faults < options.key_faults else _opened(options, circuit, 0, now, u)
    failed = verdict == "provider fault"
    window = options.shape.counted(circuit.window, now, good=not failed, bad=failed)
    circuit = circuit._replace(window=window, key_faults=0 if not failed else circuit.key_faults)
    answers, failures = totals(window)
    samples = answers + failures
    if failed and samples >= options.min_samples and failures >= options.failure_share * samples:
        return _opened(options, circuit, 0, now, u)
    return circuit


def _after_probe(
    options: BreakerOptions, circuit: Circuit, verdict: Verdict, now: float, u: float
) -> Circuit:
    if verdict == "neither":
        return circuit
    if verdict != "answered":
        return _opened(options, circuit, circuit.failed_recoveries + 1, now, u)
    circuit = circuit._replace(proven=circuit.proven + 1)
    return circuit if circuit.proven < options.probes else Circuit(openings=circuit.openings + 1)


def _opened(
    options: BreakerOptions, circuit: Circuit, failed_recoveries: int, now: float, u: float
) -> Circuit:
    cooldown_s = min(options.max_open_s, options.open_s * 2.0 ** min(failed_recoveries, 64))
    until_s = now + cooldown_s * (1 + options.jitter * (2 * u - 1))
    return Circuit(
        open=True, until_s=until_s, failed_recoveries=failed_recoveries, openings=circuit.openings + 1
    )


def verdict_on(error: BaseException | None) -> Verdict:
    """The verdict on the target of an attempt that ended with `error`, None for success."""
    if error is None:
        return "answered"
    if not isinstance(error, ProviderError) or error.of_key:
        return "neither"
    return VERDICTS[error.row.breaker]


class Breaker:
    """One target's layer. Raises `Rejected("rejected_breaker")` while open, unless `attempt.force`."""

    def __init__(
        self, options: BreakerOptions, key: str, backend: Backend | None = None, seed: int = 0
    ) -> None:
        self._options = options
        self._key = key
        self._backend = backend or MemoryBackend()
        self._seed = seed

    async def __call__(self, call: Call, next: Next) -> Reply:
        now = asyncio.get_running_loop().time()
        admission = await self._backend.update(self._key, lambda known: admit(known or Circuit(), now))
        if not admission.allowed and not call.attempt.force:
            cooldown_s = admission.cooldown_s
            message = f"the breaker of {call.target.name} is open for another {cooldown_s:.1f} s"
            raise Rejected("rejected_breaker", message, retry_after_s=cooldown_s)
        try:
            reply = await next(call)
        except BaseException as error:
            self._record(admission, verdict_on(error))
            raise
        reply.on_end(lambda outcome: self._record(admission, _verdict_of(outcome)))
        return reply

    def _record(self, admission: Admission, verdict: Verdict) -> None:
        now = asyncio.get_running_loop().time()

        def change(known: Circuit | None) -> tuple[Circuit, None]:
            circuit = known or Circuit()
            u = uniform(self._seed, "breaker", self._key, circuit.openings)
            return record(self._options, circuit, admission, verdict, now, u), None

        self._backend.post(self._key, change)

    async def circuit(self) -> Circuit:
        """The current state, for a health report."""
        circuit: Circuit = await self._backend.update(self._key, lambda known: (known, known or Circuit()))
        return circuit


def _verdict_of(outcome: Outcome) -> Verdict:
    """An abandoned reply counts as neither: its end is unknown."""
    return "neither" if outcome.kind == "abandoned" else verdict_on(outcome.error)
