"""Circuit breaker: a target that fails most of what it is asked is left alone for a while, then tried gently.

Closed, it counts answers and failures in a sliding window. Open, it refuses at once, for a cooldown that
doubles with every failed try to come back. Half-open, it lets one probe through, then two, four, … at a time;
one failed probe opens it again. Source: M. Nygard, Release It!, "Circuit Breaker"; the window of buckets is
Hystrix's; the ramp keeps a provider that has just come back from being met by everybody at once.

A fault of our key (401, 402, 403, a spent quota) says nothing about the provider and is counted apart; a 429
is the limiter's business and counts as neither. So does the fault of one key while another is in use.
"""

import asyncio
from typing import Literal, NamedTuple

from pydantic import Field

from ..core.call import Call, Next
from ..core.draws import uniform
from ..core.errors import ProviderError, Rejected
from ..core.kinds import BreakerCount
from ..core.options import Options
from ..core.reply import Outcome, Reply
from ..state.backend import Backend, MemoryBackend
from ..state.window import Window, WindowShape, totals

State = Literal["closed", "open", "half-open"]
Verdict = Literal["answered", "provider fault", "key fault", "neither"]

VERDICTS: dict[BreakerCount, Verdict] = {"fault": "provider fault", "key": "key fault", "none": "neither"}


class BreakerOptions(Options):
    """`window_s` 30 in `buckets` 10; opens at `failure_share` 0.5 of at least `min_samples` 20 in the window,
    or after `key_faults` 3 faults of the key in a row; for `open_s` 5, doubled with each failed return, at
    most `max_open_s` 120, times U(1 ± `jitter` 0.2); `probes` 8 answered ones in a row close it again.
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
    """All that a breaker knows. `until_s` ends the cooldown; `probing` probes are out, `proven` came back
    well; `returns` counts the failed tries to come back, `openings` each change, which keys the jitter.
    """

    window: Window = ()
    key_faults: int = 0
    open: bool = False
    until_s: float = 0.0
    probing: int = 0
    proven: int = 0
    returns: int = 0
    openings: int = 0

    def state(self, now: float) -> State:
        """The state as people call it."""
        if not self.open:
            return "closed"
        return "open" if now < self.until_s else "half-open"

    def cooldown_s(self, now: float) -> float:
        """Seconds until it may be asked again, 0 when it may be."""
        return max(0.0, self.until_s - now) if self.open else 0.0


class Admission(NamedTuple):
    """Whether an attempt may go, and in which of the circuit's openings: later, its end decides nothing."""

    allowed: bool
    probe: bool
    opening: int
    cooldown_s: float


def admit(circuit: Circuit, now: float) -> tuple[Circuit, Admission]:
    """May an attempt go? Half-open, as many probes may be out as have come back well, and one more."""
    state = circuit.state(now)
    if state == "half-open" and circuit.probing <= circuit.proven:
        probing = circuit._replace(probing=circuit.probing + 1)
        return probing, Admission(True, True, circuit.openings, 0.0)
    cooldown_s = circuit.cooldown_s(now)
    return circuit, Admission(state == "closed", False, circuit.openings, cooldown_s)


def record(
    options: BreakerOptions, circuit: Circuit, admission: Admission, verdict: Verdict, now: float, u: float
) -> Circuit:
    """What is known after an attempt: `u` in [0, 1) jitters the cooldown if this opens the circuit."""
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
        return _opened(options, circuit, circuit.returns + 1, now, u)
    circuit = circuit._replace(proven=circuit.proven + 1)
    return circuit if circuit.proven < options.probes else Circuit(openings=circuit.openings + 1)


def _opened(options: BreakerOptions, circuit: Circuit, returns: int, now: float, u: float) -> Circuit:
    cooldown_s = min(options.max_open_s, options.open_s * 2.0 ** min(returns, 64))
    until_s = now + cooldown_s * (1 + options.jitter * (2 * u - 1))
    return Circuit(open=True, until_s=until_s, returns=returns, openings=circuit.openings + 1)


def verdict_on(error: BaseException | None) -> Verdict:
    """What the end of an attempt says about the target; None is a good end."""
    if error is None:
        return "answered"
    if not isinstance(error, ProviderError) or error.of_key:
        return "neither"
    return VERDICTS[error.row.breaker]


class Breaker:
    """One target's breaker. Refuses with `Rejected("rejected_breaker")` unless the call insists."""

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
            said = f"the breaker of {call.target.name} is open for another {cooldown_s:.1f} s"
            raise Rejected("rejected_breaker", said, retry_after_s=cooldown_s)
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
        """What it knows now: for those who show it."""
        circuit: Circuit = await self._backend.update(self._key, lambda known: (known, known or Circuit()))
        return circuit


def _verdict_of(outcome: Outcome) -> Verdict:
    """A reply that its reader left has shown nothing about its end."""
    return "neither" if outcome.kind == "abandoned" else verdict_on(outcome.error)
