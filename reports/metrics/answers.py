"""Answers from caches and their quality. Per call."""

import pandas as pd

from reports.record.kinds import CACHE_HITS

from .facts import Facts, flags, once_per_facts
from .measures import Rate
from .registry import ANSWERS, metric


@metric("cache_hit_rate", group=ANSWERS, label="Cache hits", unit="share", better="higher", in_verdict=True)
def cache_hit_rate(facts: Facts) -> Rate | None:
    """Calls replayed from the subject's own cache, of calls sent."""
    return _in_state(facts, *CACHE_HITS)


@metric("exact_hit_rate", label="Exact cache hits", unit="share", better="higher")
def exact_hit_rate(facts: Facts) -> Rate | None:
    """Calls that got the answer of the same question word for word, of calls sent."""
    return _in_state(facts, "exact", "stale")


@metric(
    "semantic_hit_rate", group=ANSWERS, label="Semantic cache hits", unit="share", better="higher", minor=True
)
def semantic_hit_rate(facts: Facts) -> Rate | None:
    """Calls that got the answer of a question in other words, of calls sent."""
    return _in_state(facts, "semantic")


@metric("false_hit_share", group=ANSWERS, label="False hits", unit="share", better="lower")
def false_hit_share(facts: Facts) -> Rate | None:
    """Calls that got the answer of another question from a cache, of calls sent that can be judged."""
    hits = _judged_hits(facts)
    unjudged = int(facts.calls["cache"].isin(CACHE_HITS).sum()) - hits.of
    return Rate(hits.hits, len(facts.calls) - unjudged) if hits.of else None


@metric(
    "false_hit_rate", group=ANSWERS, label="False hits, of all hits", unit="share", better="lower", minor=True
)
def false_hit_rate(facts: Facts) -> Rate | None:
    """Calls that got the answer of another question, of those that a cache answered."""
    hits = _judged_hits(facts)
    return hits if hits.of else None


@metric(
    "coalesced_rate",
    group=ANSWERS,
    label="Calls that shared a flight",
    unit="share",
    better="higher",
    minor=True,
)
def coalesced_rate(facts: Facts) -> Rate | None:
    """Calls answered by the reply to the same question that was under way, of calls sent."""
    return _in_state(facts, "coalesced")


@metric("quality_rate", group=ANSWERS, label="Right answers", unit="share", better="higher", in_verdict=True)
def quality_rate(facts: Facts) -> Rate | None:
    """Answers that hold the expected one, of successful calls whose right answer is known."""
    judged = facts.calls[facts.success & facts.calls["answer_right"].notna().to_numpy(dtype=bool)]
    return Rate(int(flags(judged, "answer_right").sum()), len(judged)) if len(judged) else None


def from_another_question(facts: Facts, column: str) -> "pd.Series[bool]":
    """Whether the call that `column` names asked another question; False where that call is not known."""
    calls = facts.calls
    question = calls[column].map(facts.question_of)
    return question.notna() & (question != calls["question_id"])


def _in_state(facts: Facts, *states: str) -> Rate | None:
    """Calls in one of these cache states / calls sent; None when no call passed a cache."""
    if not (facts.calls["cache"] != "off").any():
        return None
    return Rate(int(facts.calls["cache"].isin(states).sum()), len(facts.calls))


@once_per_facts
def _judged_hits(facts: Facts) -> Rate:
    """False hits / hits that can be judged.

    Questions differ when their right answers do: what the model made of one is not the cache's fault. A hit
    whose first asker is unknown is not judged; one that came in the warm-up is known.
    """
    calls = facts.calls
    hits = calls["cache"].isin(CACHE_HITS) & calls["question_id"].notna()
    judged = int((hits & calls["cached_from"].map(facts.question_of).notna()).sum())
    return Rate(int((hits & from_another_question(facts, "cached_from")).sum()), judged)
