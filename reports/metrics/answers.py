"""Where answers came from and whether they were right: cache hits and quality. Per call."""

import pandas as pd

from reports.record.kinds import CACHE_HITS

from .facts import Facts, flags
from .measures import Measure, Rate


def answers(facts: Facts) -> dict[str, Measure]:
    return {
        "cache_hit_rate": cache_rate(facts, *CACHE_HITS),
        "exact_hit_rate": cache_rate(facts, "exact", "stale"),
        "semantic_hit_rate": cache_rate(facts, "semantic"),
        "coalesced_rate": cache_rate(facts, "coalesced"),
        **false_hits(facts),
        "quality_rate": quality_rate(facts),
    }


def cache_rate(facts: Facts, *states: str) -> Rate | None:
    """Calls that met the cache in one of these states / calls sent; None when no call met a cache."""
    if not (facts.calls["cache"] != "off").any():
        return None
    return Rate(int(facts.calls["cache"].isin(states).sum()), len(facts.calls))


def false_hits(facts: Facts) -> dict[str, Measure]:
    """Hits with the answer to another question than the one that was asked: of all hits, and of all calls.

    A question is another one when its right answer is; what the model made of it is not the cache's fault.
    Hits whose first asker is not known, or came before the measured window, are not judged. None without any
    that is.
    """
    calls = facts.calls
    hits = calls["cache"].isin(CACHE_HITS) & calls["question_id"].notna()
    judged = int((hits & calls["cached_from"].isin(calls["call_id"])).sum())
    if not judged:
        return {"false_hit_rate": None, "false_hit_share": None}
    false = int((hits & of_another_question(facts, "cached_from")).sum())
    return {"false_hit_rate": Rate(false, judged), "false_hit_share": Rate(false, len(calls))}


def of_another_question(facts: Facts, column: str) -> "pd.Series[bool]":
    """Whether the call that `column` names asked another question; no where it is not known."""
    calls = facts.calls
    asked = calls[column].map(calls.set_index("call_id")["question_id"])
    return asked.notna() & (asked != calls["question_id"])


def quality_rate(facts: Facts) -> Rate | None:
    """Right answers / successful calls whose right answer is known; None when none is."""
    judged = facts.calls[facts.success & facts.calls["answer_right"].notna().to_numpy(dtype=bool)]
    return Rate(int(flags(judged, "answer_right").sum()), len(judged)) if len(judged) else None
