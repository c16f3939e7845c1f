"""Estimates over calls that may not be independent: with their values, what their uncertainty needs.

- **Sessions**: the turns of one session are one group; sessions are independent.
- **Questions**: calls that ask one question are alike as far as the run shows (a prompt has its length).
- **Flights**: calls that shared one reply had one luck, and how many shared it is luck too (`flight_luck`).
- **Caches**: whether a call is a hit depends on the calls before it. Had the call that made an answer not
  come, the next call of those that got it would have made it. So it moves the estimate as one of the replays
  does, and only an answer that no other call got is missed itself. That is the jackknife over calls, which
  gives the variance of a function of independent ones (B. Efron and C. Stein, The jackknife estimate of
  variance, Annals of Statistics 9, 1981).
- **Answers**: calls that got one answer are right or wrong together (`share_right`).

Where all calls are one session, or got one answer, nothing is known of another: there is no interval.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.stats.clusters import Influence, Named, answers_worth, kish
from reports.stats.intervals import Floats, nearest_rank

from .facts import Facts, Mask
from .measures import INDEPENDENT, Mean, Quantile, Rate, Sampled, Total
from .origins import flight_luck, origins_of

ONE_SESSION = "all calls are of one session"
ONE_ANSWER = "all calls got one answer"
ONE_QUESTION = "all calls asked one question"


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
    makers, first = np.unique(origins.makers[chosen], return_index=True)
    sums = Named.added_up(origins.makers[chosen], (good - found / n) / n)
    influence = Influence(sums, sums, Named(makers, questions[first]))
    if origins.replayed[chosen].any() and len(np.unique(answers)) < 2:
        return Rate(found, n, Sampled(why=ONE_ANSWER))
    worth = answers_worth(good, answers, questions)
    if worth.freedom < 1 and n > 1 and origins.known[chosen].any():
        return Rate(found, n, Sampled(why=ONE_QUESTION))
    return Rate(found, n, Sampled(worth.calls, worth.freedom, influence, lumps=True))


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
    return Total(value, None if amounts is None else Influence.of(amounts, origins_of(facts).groups))


def rate_of_rows(facts: Facts, hits: pd.DataFrame, of: pd.DataFrame) -> Rate:
    """The share of rows that are `hits`; rows of one call are a group."""
    found, n = per_call(facts, hits), per_call(facts, of)
    if found is None or n is None or not len(of):
        return Rate(len(hits), len(of))
    influence = _influence(facts, found, n, np.ones(len(n), dtype=bool))
    return Rate(len(hits), len(of), _sampled(facts, n > 0, len(hits) / len(of), influence))


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


def _influence(facts: Facts, amounts: Floats, weights: Floats, chosen: Mask) -> Influence:
    """Of each group on sum of amounts / sum of weights, over the chosen calls."""
    size = float(weights[chosen].sum())
    marks = (amounts - float(amounts[chosen].sum()) / size * weights) / size
    origins = origins_of(facts)
    asked, replays = chosen & ~origins.replayed, chosen & origins.replayed
    known = asked & origins.known
    numbers, prompts = origins.numbers[known], origins.prompts[known]
    alike = Named.added_up(numbers, marks[known]), Named(np.sort(numbers), prompts[np.argsort(numbers)])
    if origins.sessions is not None:
        return Influence(Named.added_up(origins.sessions[chosen], marks[chosen]), *alike)
    shared, later = chosen & origins.shared, replays & ~origins.shared
    parts = marks.copy()
    if replays.any() and asked.any():
        parts[asked & origins.reused] += float(marks[replays].mean() - marks[asked].mean())
    own = float(marks[shared].mean()) if shared.any() else 0.0
    parts[shared] = own
    sums = Named.added_up(origins.numbers[chosen], parts[chosen])
    if shared.any():
        luck = np.where(shared, marks - own, 0.0)
        if later.any():
            luck += flight_luck(facts) * (own - float(marks[later].mean()))
        sums = sums.plus(Named.added_up(origins.makers[replays], luck[replays]))
    return Influence(sums, *alike)


def _sampled(facts: Facts, chosen: Mask, share: float, influence: Influence) -> Sampled:
    """How a share of the chosen calls varies, by the variance of its influence."""
    origins = origins_of(facts)
    if origins.sessions is None:
        if not influence.alike and not origins.replayed[chosen].any():
            return Sampled(influence=influence) if influence.variance else INDEPENDENT
        groups = None
    else:
        groups = kish(np.unique(origins.sessions[chosen], return_counts=True)[1])
        if influence.groups < 2:
            return Sampled(why=ONE_SESSION)
    if share in (0.0, 1.0) or not 0 < influence.variance < np.inf:
        return Sampled(groups, None if groups is None else groups - 1, influence)
    return Sampled(share * (1 - share) / influence.variance, influence.freedom, influence)


def _mask(facts: Facts, among: npt.ArrayLike | None) -> Mask:
    everything = np.ones(len(facts.calls), dtype=bool)
    return everything if among is None else np.asarray(among, dtype=bool)
