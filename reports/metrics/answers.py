"""Answers from caches and their quality. Per call."""

import numpy as np
import pandas as pd

from reports.record.kinds import CACHE_HITS
from reports.stats.clusters import Influence, answers_worth

from .basis.facts import Facts, Mask, flags, once_per_facts
from .basis.measures import Rate, Sampled
from .basis.origins import origins_of
from .basis.registry import ANSWERS, metric
from .basis.sampling import rate, share_right


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
    if not (facts.calls["cache"] != "off").any():
        return None
    everything = np.ones(len(facts.calls), dtype=bool)
    return _by_question(facts, (facts.calls["cache"] == "semantic").to_numpy(dtype=bool), everything)


@metric("false_hit_share", group=ANSWERS, label="False hits", unit="share", better="lower")
def false_hit_share(facts: Facts) -> Rate | None:
    """Calls that got the answer of another question from a cache, of calls sent that can be judged."""
    judged, wrong = _judged_hits(facts)
    unjudged = facts.calls["cache"].isin(CACHE_HITS).to_numpy(dtype=bool) & ~judged
    return _by_question(facts, wrong, ~unjudged) if judged.any() else None


@metric(
    "false_hit_rate", group=ANSWERS, label="False hits, of all hits", unit="share", better="lower", minor=True
)
def false_hit_rate(facts: Facts) -> Rate | None:
    """Calls that got the answer of another question, of those that a cache answered."""
    judged, wrong = _judged_hits(facts)
    return _by_question(facts, wrong, judged) if judged.any() else None


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
    """Answers that hold the expected one / successful calls whose right answer is known. For the interval,
    calls that got one answer (replays from a cache) are one observation."""
    judged = facts.success & facts.calls["answer_right"].notna().to_numpy(dtype=bool)
    return share_right(facts, flags(facts.calls, "answer_right"), judged) if judged.any() else None


def from_another_question(facts: Facts, column: str) -> "pd.Series[bool]":
    """Whether the call that `column` names asked another question; False where that call is not known."""
    calls = facts.calls
    question = calls[column].map(facts.question_of)
    return question.notna() & (question != calls["question_id"])


def _in_state(facts: Facts, *states: str) -> Rate | None:
    """Calls in one of these cache states / calls sent; None when no call passed a cache."""
    if not (facts.calls["cache"] != "off").any():
        return None
    return rate(facts, facts.calls["cache"].isin(states))


@once_per_facts
def _judged_hits(facts: Facts) -> tuple[Mask, Mask]:
    """Hits that can be judged, and those of them that are false.

    Questions differ when their right answers do: what the model made of one is not the cache's fault. A hit
    whose first asker is unknown is not judged; one that came in the warm-up is known.
    """
    calls = facts.calls
    hits = calls["cache"].isin(CACHE_HITS) & calls["question_id"].notna()
    judged = hits & calls["cached_from"].map(facts.question_of).notna()
    wrong = hits & from_another_question(facts, "cached_from")
    return judged.to_numpy(dtype=bool), wrong.to_numpy(dtype=bool)


def _by_question(facts: Facts, hits: Mask, among: Mask) -> Rate:
    """A share of calls; those that asked one question are alike as far as the run shows."""
    n, found = int(among.sum()), int(hits.sum())
    origins = origins_of(facts)
    questions = origins.own_questions[among]
    worth = answers_worth(hits[among], origins.numbers[among], questions)
    influence = Influence.of((hits[among] - found / n) / n, questions)
    return Rate(found, n, Sampled(worth.calls, worth.freedom, influence, lumps=True))
