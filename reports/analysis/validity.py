"""The validity of a run: a verdict on the measurement itself, with its reasons.

A late or starved load generator makes every subject look slow, so it is judged before anything is concluded.
VALID: conclude. DEGRADED: read the reasons first. INVALID: do not conclude.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from reports.record.kinds import ENDED, UNDER_WAY
from reports.record.manifest import Calibration, Generator, Manifest

from .conservation import Conservation
from .machine import TRUSTED_ERROR_S, TRUSTED_SEND_LAG_S, beyond
from .offered_load import OfferedLoad
from .subject import SubjectSummary

Level = Literal["VALID", "DEGRADED", "INVALID"]

_ORDER: tuple[Level, ...] = ("VALID", "DEGRADED", "INVALID")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Above the first number a run is DEGRADED, above the second INVALID.

    The latencies that are compared run from 0.2 s up: a send lag or clock error of 25 to 50 ms at the 99th
    percentile can begin to show in them, one of a quarter of a second decides them.
    """

    send_lag_s_p99: tuple[float, float] = (TRUSTED_SEND_LAG_S, 0.500)
    late_share: tuple[float, float] = (0.01, 0.10)
    dropped_share: tuple[float, float] = (0.0, 0.05)
    cut_share: tuple[float, float] = (0.0, 0.50)
    client_error_share: tuple[float, float] = (0.0, 0.99)
    cpu_percent: tuple[float, float] = (80.0, 95.0)
    ttft_error_s_p99: tuple[float, float] = (TRUSTED_ERROR_S, 0.250)


@dataclass(frozen=True, slots=True)
class Reason:
    level: Level
    subject: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Validity:
    """The verdict is the worst reason's level; reasons are sorted, worst first."""

    verdict: Level
    reasons: tuple[Reason, ...] = ()


def judge_validity(
    manifest: Manifest,
    subjects: Mapping[str, SubjectSummary],
    thresholds: Thresholds | None = None,
    conserved: Mapping[str, Conservation] | None = None,
    loads: Mapping[str, OfferedLoad] | None = None,
) -> Validity:
    """Judge the run as a whole, the calls that are accounted for, and the load that each subject got, also
    against the load up to which its machine was calibrated."""
    limits = thresholds or Thresholds()
    reasons = list(_run_reasons(manifest))
    for name, of in (conserved or {}).items():
        reasons += [Reason("INVALID", name, problem) for problem in of.problems()]
        reasons += _outcome_reasons(name, of, limits)
    for name, subject in subjects.items():
        if not subject.number("calls"):
            reasons.append(
                Reason("INVALID", name, "vacuous: no call ended, there is nothing to conclude from")
            )
            continue
        reasons += _load_reasons(subject, limits)
        if manifest.generator.get(name, Generator()).ledger_lost:
            died = "the providers died: the calls that failed with them are not the subject's"
            reasons.append(Reason("INVALID", name, died))
        if manifest.engine != "virtual":
            reasons += _generator_reasons(name, manifest.generator.get(name, Generator()), limits)
            reasons += _clock_reasons(subject, limits)
    reasons += [Reason("DEGRADED", name, text) for name, text in beyond(manifest, loads or {})]
    reasons.sort(key=lambda reason: -_ORDER.index(reason.level))
    return Validity(reasons[0].level if reasons else "VALID", tuple(reasons))


def _run_reasons(manifest: Manifest) -> Iterator[Reason]:
    why = manifest.status_reason or "it was stopped before its end"
    if manifest.status == "partial":
        yield Reason("DEGRADED", None, f"partial run: {why}")
    if manifest.status == "broken":
        yield Reason("INVALID", None, f"broken run: {why}")


def _outcome_reasons(name: str, of: Conservation, limits: Thresholds) -> Iterator[Reason]:
    """Calls that the harness ended, and calls that the user's own client broke."""
    sent = sum(of.outcomes.get(outcome, 0) for outcome in (*ENDED, *UNDER_WAY))
    if not sent:
        return
    cut, unfinished, own = (of.outcomes.get(each, 0) for each in ("cut", "unfinished", "client_error"))
    if level := _level(cut / sent, limits.cut_share):
        text = f"{cut} of {sent} calls were still under way when the harness stopped waiting (drain_s)"
        yield Reason(level, name, text)
    if unfinished:
        text = f"{unfinished} of {sent} calls were under way when the run stopped"
        yield Reason("DEGRADED", name, text)
    if level := _level(own / sent, limits.client_error_share):
        yield Reason(level, name, f"{own} of {sent} calls ended in an error of the client's own")


def _load_reasons(subject: SubjectSummary, limits: Thresholds) -> Iterator[Reason]:
    lag_s, late, dropped, calls = (
        subject.number(metric) or 0
        for metric in ("send_lag_s_p99", "late_starts", "dropped_arrivals", "calls")
    )
    name, planned = subject.name, calls + dropped
    if level := _level(lag_s, limits.send_lag_s_p99):
        yield Reason(level, name, f"calls were sent late: send lag p99 is {lag_s * 1000:.0f} ms")
    if level := _level(late / planned, limits.late_share):
        yield Reason(level, name, f"{late} of {planned} calls started late")
    if level := _level(dropped / planned, limits.dropped_share):
        yield Reason(level, name, f"the load generator dropped {dropped} of {planned} planned calls")


def _generator_reasons(name: str, generator: Generator, limits: Thresholds) -> Iterator[Reason]:
    cpu = generator.cpu_percent_max
    if cpu is None:
        yield Reason("DEGRADED", name, "the load generator's CPU was not measured")
    elif level := _level(cpu, limits.cpu_percent):
        yield Reason(level, name, f"the load generator was short of CPU: {cpu:.0f} % at its peak")


def _clock_reasons(subject: SubjectSummary, limits: Thresholds) -> Iterator[Reason]:
    error_s = _worst_error_s(subject.calibration)
    if error_s is None:
        if subject.number("success_rate") and subject.number("cache_hit_rate") != 1:
            yield Reason("DEGRADED", subject.name, "TTFT could not be checked against the provider's ledger")
    elif level := _level(abs(error_s), limits.ttft_error_s_p99):
        where = "p99" if error_s >= 0 else "p1: the client saw it before the provider sent it"
        text = f"TTFT differs from the provider's ledger by {error_s * 1000:.0f} ms at {where}"
        yield Reason(level, subject.name, text)


def _worst_error_s(calibration: Calibration) -> float | None:
    """The error furthest from zero, of the 1st and the 99th percentile."""
    ends = (calibration.ttft_error_s_p99, calibration.ttft_error_s_p01)
    return max((end for end in ends if end is not None), key=abs, default=None)


def _level(value: float, limits: tuple[float, float]) -> Level | None:
    degraded, invalid = limits
    if value > invalid:
        return "INVALID"
    return "DEGRADED" if value > degraded else None
