"""Claims judged against the metrics of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..metrics import Facts
from ..record.expectation import Expectation, Verdict
from ..record.manifest import Claim, Manifest
from .exposure import faults_met
from .subject import SubjectSummary, metric_value
from .validity import Validity


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim, what was observed (None: unmeasured, or unbounded), its verdict, and for what reason it was
    not judged (other inputs; "" otherwise)."""

    text: str
    subject: str
    metric: str
    expected: str
    observed: float | None
    verdict: Verdict
    not_judged: str = ""


def judge_claims(
    claims: Sequence[Claim],
    subjects: Mapping[str, SubjectSummary],
    withheld: Mapping[str, Verdict] | None = None,
) -> tuple[ClaimResult, ...]:
    """The result of each claim, in their order. `withheld`: the verdict on every claim about a subject of
    which nothing can be concluded."""
    instead = withheld or {}
    return tuple(
        _judged(claim, metric_value(subjects, claim.subject, claim.metric), instead.get(claim.subject))
        for claim in claims
    )


def withheld(manifest: Manifest, validity: Validity, facts: Mapping[str, Facts]) -> dict[str, Verdict]:
    """The subjects whose claims are not judged: all of an INVALID run; not tested: all of a run that was
    stopped before its end, and those whose calls met none of the scheduled faults."""
    if validity.verdict == "INVALID":
        return dict.fromkeys(facts, "not judged")
    if manifest.status == "partial":
        return dict.fromkeys(facts, "not tested")
    if not manifest.faults:
        return {}
    return {name: "not tested" for name, of in facts.items() if not faults_met(of)}


def _judged(claim: Claim, observed: float | None, instead: Verdict | None) -> ClaimResult:
    return ClaimResult(
        claim.text,
        claim.subject,
        claim.metric,
        claim.expected,
        None if observed is None or math.isinf(observed) else observed,
        ("not judged" if claim.not_judged else instead) or Expectation.parse(claim.expected).judge(observed),
        claim.not_judged,
    )
