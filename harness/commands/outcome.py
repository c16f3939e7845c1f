"""The verdict of a run, told first and alike everywhere, and the exit code that follows from it.

| code | meaning |
| --- | --- |
| 0 | good |
| 1 | the run is broken or INVALID; with `--fail-on degraded`, DEGRADED too |
| 2 | bad input; nothing was played |
| 3 | a claim is refuted, with `--fail-on refuted`; untested or unmeasured, with `--fail-on untested` |
| 130 | interrupted; what was measured is kept |
"""

from typing import TYPE_CHECKING, get_args

from harness.errors import InputError
from reports.record.expectation import Verdict

if TYPE_CHECKING:  # they bring pandas, which the servers' processes do not need
    from reports.analysis.summary import Summary
    from reports.record.manifest import Manifest

MEANINGS = {
    "VALID": "VALID",
    "DEGRADED": "DEGRADED: read the reasons first",
    "INVALID": "INVALID: nothing can be concluded from this run",
}
FAIL_ON: dict[str, tuple[Verdict, ...]] = {
    "refuted": ("refuted",),
    "untested": ("not tested", "unmeasured"),
    "degraded": (),
    "invalid": (),
}
"""Values of `--fail-on`, and the verdicts on claims that each makes fail. An INVALID run always fails."""
assert {verdict for each in FAIL_ON.values() for verdict in each} <= set(get_args(Verdict))


def fail_on(text: str) -> tuple[str, ...]:
    """The values of `--fail-on`, separated by commas. Raises InputError for any other."""
    values = tuple(value.strip() for value in text.split(",") if value.strip())
    for value in values:
        if value not in FAIL_ON:
            raise InputError(f"--fail-on {value}: expected {', '.join(FAIL_ON)}")
    return values


def verdict_lines(summary: "Summary") -> list[str]:
    """The verdict, then each reason."""
    reasons = [
        f"  {reason.level}: {'' if reason.subject is None else f'{reason.subject}: '}{reason.text}"
        for reason in summary.validity.reasons
    ]
    return [MEANINGS[summary.validity.verdict], *reasons]


def exit_code(summary: "Summary", manifest: "Manifest", failing: tuple[str, ...] = ()) -> int:
    """The exit code of a run, as the table above says."""
    if manifest.status == "partial" and (manifest.status_reason or "").startswith("interrupted"):
        return 130
    return verdict_code(summary, failing)


def verdict_code(summary: "Summary", failing: tuple[str, ...] = ()) -> int:
    """The exit code of a run that was not interrupted."""
    verdict = summary.validity.verdict
    if summary.status != "complete" or verdict == "INVALID":
        return 1
    if verdict == "DEGRADED" and "degraded" in failing:
        return 1
    return 3 if failed_claims(summary, failing) else 0


def failed_claims(summary: "Summary", failing: tuple[str, ...]) -> list[str]:
    """ "refuted: TEXT" of each claim that `--fail-on` makes fail."""
    refused = {verdict for value in failing for verdict in FAIL_ON[value]}
    return [f"{claim.verdict}: {claim.text}" for claim in summary.claims if claim.verdict in refused]
