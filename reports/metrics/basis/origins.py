"""The call behind each call's answer: itself, or another one whose answer it got from a cache or shared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.record.kinds import ANSWERED_WITHOUT_ATTEMPT
from reports.stats.intervals import Floats

from .facts import Facts, Mask, floats, once_per_facts

Codes = npt.NDArray[np.uint64]
"""Names as hashes: equal names of two subjects have equal codes."""

Names = npt.NDArray[np.object_]

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Origins:
    """Arrays with a value for each call of the facts, in their order.

    `numbers`: its number in the plan. `sessions`: its session, or itself; None where no call has one.
    `prompts`: its question and length of prompt, which calls with one prompt share. `own_questions`: its
    question, or itself where that is not `known`. `answers`: the call that made its answer; `makers`, the
    number of that call (its own if that is not known); `questions`: that call's question. `replayed`: another
    call made its answer; `reused`: it made another call's; `shared`: it shared a flight.
    """

    numbers: Codes
    sessions: Codes | None
    answers: Codes
    makers: Codes
    questions: Codes
    prompts: Codes
    own_questions: Codes
    known: Mask
    replayed: Mask
    reused: Mask
    shared: Mask

    @property
    def groups(self) -> Codes:
        return self.numbers if self.sessions is None else self.sessions


@once_per_facts
def origins_of(facts: Facts) -> Origins:
    """The origin of each call's answer. A call that shared a flight got the answer of the latest earlier call
    that sent the same question in a prompt of the same length itself."""
    calls = facts.calls
    ids = calls["call_id"].to_numpy(dtype=object)
    replayed = calls["cache"].isin(ANSWERED_WITHOUT_ATTEMPT).to_numpy(dtype=bool)
    question, known = _or(calls, "question_id", ids)
    own, own_questions = pd.util.hash_array(ids), pd.util.hash_array(question)
    answers = own if not replayed.any() else pd.util.hash_array(_sources(facts, ids, question, replayed))
    session, has_session = _or(calls, "session", ids)
    numbers = calls["n"].to_numpy(dtype=np.uint64)
    place = _places(own, answers)
    return Origins(
        numbers,
        pd.util.hash_array(session) if has_session.any() else None,
        answers,
        np.where(place >= 0, numbers[place], numbers),
        np.where(place >= 0, own_questions[place], own_questions),
        own_questions ^ (calls["input_tokens"].to_numpy(dtype=np.uint64) * _ODD),
        own_questions,
        known,
        replayed,
        np.isin(own, answers[answers != own]),
        (calls["cache"] == "coalesced").to_numpy(dtype=bool),
    )


@once_per_facts
def flight_luck(facts: Facts) -> Floats:
    """Of each call that shared a flight or got a complete answer later: 1 (shared) or 0, minus the
    probability that the answer was still under way when the call began, with the durations of this run.

    Summed over the calls of one answer it is how many more shared its flight than would have with another
    duration: of a popular question many, all by one draw. 0 for calls that made their answer themselves.
    """
    origins = origins_of(facts)
    luck = np.zeros(len(facts.calls))
    if not origins.shared.any():
        return luck
    planned_s = facts.planned_s
    durations_s = np.sort(facts.e2e_s[~origins.replayed & ~np.isnan(facts.e2e_s)])
    place = _places(origins.numbers, origins.makers)
    followers = origins.replayed & (origins.makers != origins.numbers)
    waited_s = (planned_s - planned_s[place])[followers]
    longer = 1 - np.searchsorted(durations_s, waited_s, side="right") / max(1, len(durations_s))
    luck[followers] = origins.shared[followers] - longer
    return luck


def _sources(facts: Facts, ids: Names, question: Names, replayed: Mask) -> Names:
    """The call that made each call's answer, or itself where that is not known."""
    cached_from, known = _or(facts.calls, "cached_from", ids)
    source = np.where(replayed, cached_from, ids)
    unknown = replayed & ~known
    if unknown.any():
        source[unknown] = _leaders(facts, ids, question, replayed)[unknown]
    return source


def _leaders(facts: Facts, ids: Names, question: Names, replayed: Mask) -> Names:
    """The latest earlier call of the same question and length of prompt that made its own answer."""
    order = np.argsort(facts.planned_s, kind="stable")
    own = ids.copy()
    own[replayed] = None
    made = pd.Series(own[order], index=order)
    found = made.groupby([question[order], floats(facts.calls, "input_tokens")[order]]).ffill().sort_index()
    return np.where(found.isna(), ids, found)


def _or(calls: pd.DataFrame, column: str, instead: Names) -> tuple[Names, Mask]:
    """A column of names with others in place of nulls, and where it is not null."""
    names = calls[column].to_numpy(dtype=object)
    known = ~pd.isna(names)
    return np.where(known, names, instead), known


def _places(names: Codes, wanted: Codes) -> npt.NDArray[np.intp]:
    """The place of each wanted name among distinct names; -1 for a name that is not there."""
    order = np.argsort(names, kind="stable")
    found = np.minimum(np.searchsorted(names[order], wanted), len(names) - 1)
    place = order[found]
    return np.where(names[place] == wanted, place, -1)
