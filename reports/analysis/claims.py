"""Claims judged against the metrics of a run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..record.expectation import Expectation
from ..record.kinds import ERROR_KINDS
from ..record.manifest import Claim


def metric_value(summary: Mapping[str, Any], subject: str, metric: str) -> float | None:
    """A subject's metric as a number: None when nobody measured it, `inf` when it is unbounded.

    `group.key` reaches into a metric that is a table ("error_rate_by_kind.timeout_total",
    "provider_share.openai"). A key the table lacks is 0 when the name is one that this run could have
    counted, else unmeasured, so that a misspelt name never passes.
    """
    values = summary["subjects"].get(subject)
    if values is None:
        return None
    if metric in summary.get("unbounded", {}).get(subject, ()):
        return math.inf
    group, _, key = metric.partition(".")
    value = values.get(group)
    if isinstance(value, Mapping):
        if key in value:
            return float(value[key])
        return 0.0 if _could_count(summary, group, key) else None
    if value is None or key or isinstance(value, str):
        return None
    return float(value)


def _could_count(summary: Mapping[str, Any], group: str, key: str) -> bool:
    if group == "error_rate_by_kind":
        return key in ERROR_KINDS
    return any(key in (other.get(group) or ()) for other in summary["subjects"].values())


def judge_claims(claims: Sequence[Claim], summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each claim with what was observed (null when unmeasured or unbounded) and its verdict."""
    judged = []
    for claim in claims:
        observed = metric_value(summary, claim.subject, claim.metric)
        judged.append(
            {
                "text": claim.text,
                "subject": claim.subject,
                "metric": claim.metric,
                "expected": claim.expected,
                "observed": None if observed is None or math.isinf(observed) else observed,
                "verdict": Expectation.parse(claim.expected).judge(observed),
            }
        )
    return judged
