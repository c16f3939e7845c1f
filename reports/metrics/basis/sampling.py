"""Estimates over calls that may not be independent: with their values, what their uncertainty needs.

- **Sessions**: the turns of one session are one group; sessions are independent.
- **Questions**: calls that ask one question are alike as far as the run shows (a prompt has its length).
- **Flights**: calls that shared one reply had one luck.
- **Caches**: whether a call is a hit depends on the calls before it. Had the call that made an answer not
  come, the next call of those that got it would have made it. So it moves the estimate as one of the replays
  does, and only an answer that no other call got is missed itself. That is the jackknife over calls, which
  gives the variance of a function of independent ones (B. Efron and C. Stein, The jackknife estimate of
  variance, Annals of Statistics 9, 1981).
- **Answers**: calls that got one answer are right or wrong together (`share_right`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.record.kinds import ANSWERED_WITHOUT_ATTEMPT
from reports.stats.clusters import Influence, answers_worth, kish
from reports.stats.intervals import Floats, nearest_rank

from .facts import Facts, Mask, once_per_facts
from .measures import INDEPENDENT, Mean, Quantile, Rate, Sampled, Total


@dataclass(frozen=True, slots=True)
class Origins:
    """Of each call: `answers`, the id of the call that made its answer; `questions`, that call's question;
    `replayed`, whether another call made it; `reused`, whether it made another call's."""

    answers: "pd.Series[Any]"
    questions: "pd.Series[Any]"
    replayed: Mask
    reused: Mask


def rate(facts: Facts, hits: npt.ArrayLike, among: npt.ArrayLike | None = None) -> Rate:
    """The share of calls that are `hits`, of all calls sent or of those `among` them."""
    chosen = _mask(facts, among)
    hit = np.asarray(hits, dtype=bool) & chosen
    n, found = int(chosen.sum()), int(hit.sum())
    if not n:
        return Rate(found, n)
    influence = _influence(facts, hit.astype(np.float64), chosen.astype(np.float64), chosen)
    return Rate(found, n, _sampled(facts, chosen, found / n, influence))


def share_right(facts: Facts, right: npt.ArrayLike, among: npt.ArrayLike) -> Rate:
    """The share of answers that are `right`, of calls `among` all; calls that got one answer are a group, and
    different answers to one question are alike as far as the run shows."""
    chosen = _mask(facts, among)
    good = np.asarray(right, dtype=bool)[chosen]
    n, found = len(good), int(good.sum())
    if not n:
        return Rate(found, n)
    origins = origins_of(facts)
    answers, questions = origins.answers[chosen], origins.questions[chosen]
    influence = Influence.of((good - found / n) / n, questions)
    groups = kish(answers.value_counts(sort=False).to_numpy())
    return Rate(found, n, Sampled(answers_worth(good, answers, questions), groups, influence))


def quantile(facts: Facts, values: Floats, q: float) -> Quantile:
    """The q-quantile of a value of each call; NaN: the call has none."""
    chosen = ~np.isnan(values)
    ordered = np.sort(values[chosen])
    place = nearest_rank(ordered, q)
    if place is None:
        return Quantile(ordered, q)
    above = (values > place) & chosen
    influence = _influence(facts, above.astype(np.float64), chosen.astype(np.float64), chosen)
    return Quantile(ordered, q, _sampled(facts, chosen, float(above.sum() / chosen.sum()), influence))


def mean(
    facts: Facts, amounts: Floats | None, per: npt.ArrayLike, value: float | None, scale: float = 1.0
) -> Mean:
    """`scale` * sum of `amounts` / sum of `per`, per call; `value` is that ratio, computed exactly. Without
    amounts by call there is no interval."""
    weights = np.asarray(per, dtype=np.float64)
    if amounts is None or value is None or not weights.sum():
        return Mean(value, why="the bill is not known by call")
    everything = np.ones(len(weights), dtype=bool)
    influence = _influence(facts, amounts, weights, everything)
    return Mean(value, influence.scaled(scale))


def total(facts: Facts, amounts: Floats | None, value: float) -> Total:
    """A sum of `amounts` of calls; `value` is that sum, computed exactly. Its variance is that of a sum over
    calls that come at random (compound Poisson)."""
    return Total(value, None if amounts is None else Influence.of(amounts, _groups(facts)))


def per_call(facts: Facts, rows: pd.DataFrame, column: str | None = None) -> Floats | None:
    """The number of `rows` of attempts by call, or the sum of their `column`; None where some belong to no
    call of the subject."""
    if "call_id" in rows:
        ids = rows["call_id"]
    else:
        ids = rows["attempt_id"].astype("string").str.rsplit("/", n=1).str[0]
    if not ids.isin(facts.calls["call_id"]).all():
        return None
    amounts = pd.Series(1.0, index=rows.index) if column is None else rows[column].astype(np.float64)
    found = facts.calls["call_id"].map(amounts.groupby(ids.to_numpy()).sum())
    return np.asarray(found.fillna(0.0), dtype=np.float64)


@once_per_facts
def origins_of(facts: Facts) -> Origins:
    """The origin of each call's answer. A call that shared a flight got the answer of the latest earlier call
    that asked the same question itself."""
    calls = facts.calls
    ids = calls["call_id"].astype(object)
    replayed = calls["cache"].isin(ANSWERED_WITHOUT_ATTEMPT).to_numpy(dtype=bool)
    question = calls["question_id"].astype(object).where(calls["question_id"].notna(), ids)
    made = ids.where(~replayed).iloc[np.argsort(facts.planned_s, kind="stable")]
    leader = made.groupby(question.loc[made.index].to_numpy()).ffill().reindex(calls.index)
    source = calls["cached_from"].astype(object).where(calls["cached_from"].notna(), leader)
    answers = ids.where(~replayed, source.where(source.notna(), ids))
    of_call = dict(zip(ids, question, strict=True))
    questions = answers.map(of_call).where(answers.isin(ids), question)
    others = answers[(answers != ids).to_numpy()]
    return Origins(answers, questions, replayed, ids.isin(others).to_numpy(dtype=bool))


def _influence(facts: Facts, amounts: Floats, weights: Floats, chosen: Mask) -> Influence:
    """Of each group on sum of amounts / sum of weights, over the chosen calls."""
    size = float(weights[chosen].sum())
    marks = (amounts - float(amounts[chosen].sum()) / size * weights) / size
    if _has_sessions(facts):
        return Influence.of(marks[chosen], facts.calls["session"][chosen])
    origins, n = origins_of(facts), facts.calls["n"]
    asked, parts = chosen & ~origins.replayed, marks.copy()
    if (chosen & origins.replayed).any() and asked.any():
        parts[asked & origins.reused] += float(marks[chosen & origins.replayed].mean() - marks[asked].mean())
    shared = chosen & (facts.calls["cache"] == "coalesced").to_numpy(dtype=bool)
    own = float(marks[shared].mean()) if shared.any() else 0.0
    parts[shared] = own
    flights = Influence.of(marks[shared] - own, _leaders(facts)[shared]).sums
    sums = pd.Series(parts[chosen], index=n[chosen].to_numpy()).add(flights, fill_value=0.0)
    asked &= facts.calls["question_id"].notna().to_numpy(dtype=bool)
    index = n[asked].to_numpy()
    return Influence(
        sums,
        pd.Series(marks[asked], index=index),
        pd.Series(origins.questions[asked].to_numpy(), index=index),
    )


def _sampled(facts: Facts, chosen: Mask, share: float, influence: Influence) -> Sampled:
    """How a share of the chosen calls varies, by the variance of its influence."""
    sizes = _session_sizes(facts, chosen)
    groups = None if sizes is None else kish(sizes)
    if sizes is None and not influence.alike and not origins_of(facts).replayed[chosen].any():
        return Sampled(None, None, influence) if influence.variance else INDEPENDENT
    if share in (0.0, 1.0) or not 0 < influence.variance < np.inf:
        return Sampled(groups, groups, influence)
    return Sampled(share * (1 - share) / influence.variance, groups, influence)


def _groups(facts: Facts) -> "pd.Series[Any]":
    """The group of each call: its session, or itself."""
    return facts.calls["session"] if _has_sessions(facts) else facts.calls["n"]


def _leaders(facts: Facts) -> "pd.Series[Any]":
    """The number of the call that made each call's answer, its own if that is not known."""
    calls = facts.calls
    numbers = dict(zip(calls["call_id"], calls["n"], strict=True))
    return origins_of(facts).answers.map(numbers).fillna(calls["n"])


def _has_sessions(facts: Facts) -> bool:
    return bool(facts.calls["session"].notna().any())


def _session_sizes(facts: Facts, chosen: Mask) -> Floats | None:
    sessions = facts.calls["session"][chosen]
    if not sessions.notna().any():
        return None
    return np.asarray(sessions.value_counts(sort=False), dtype=np.float64)


def _mask(facts: Facts, among: npt.ArrayLike | None) -> Mask:
    everything = np.ones(len(facts.calls), dtype=bool)
    return everything if among is None else np.asarray(among, dtype=bool)
