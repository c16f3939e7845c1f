"""Claims judged against the metrics of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..record.expectation import Expectation, Verdict
from ..record.manifest import Claim
from .subject import SubjectSummary, metric_value


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim, what was observed (None: unmeasured, or unbounded), and its verdict."""

    text: str
    subject: str
    metric: str
    expected: str
    observed: float | None
    verdict: Verdict


def judge_claims(claims: Sequence[Claim], subjects: Mapping[str, SubjectSummary]) -> tuple[ClaimResult, ...]:
    """The result of each claim, in their order."""
    return tuple(_judged(claim, metric_value(subjects, claim.subject, claim.metric)) for claim in claims)


def _judged(claim: Claim, observed: float | None) -> ClaimResult:
    return ClaimResult(
        claim.text,
        claim.subject,
        claim.metric,
        claim.expected,
        None if observed is None or math.isinf(observed) else observed,
        Expectation.parse(claim.expected).judge(observed),
    )
