"""Draws the question of a call and its wording; draws are keyed by the call, so none shifts another."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from ..draws import IdentityPart, unit
from ..strict import StrictModel
from .catalogue import Question
from .popularity import Popularity

DrawKey = tuple[IdentityPart, ...]
"""Names a call in draws: its arrival's number, and in a session the number of its turn."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Instant = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Burst(StrictModel):
    """Many callers ask the same at once: `{ from_s = 20, to_s = 22 }`, seconds of the run.

    In that time a `share` (default 1.0) of the calls has the burst's one prompt.
    """

    from_s: Instant
    to_s: Instant
    share: Share = 1.0

    @model_validator(mode="after")
    def _in_order(self) -> "Burst":
        if self.to_s <= self.from_s:
            raise ValueError(f"expected to_s after from_s, got {self.from_s:g} to {self.to_s:g}")
        return self


def groups_of(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """The questions that are easily confused, by group; groups of one are left out."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        if question.group is not None:
            found.setdefault(question.group, []).append(question)
    return {name: members for name, members in found.items() if len(members) > 1}


class Questions:
    """Draws questions by Zipf's law: over all of them, or over the groups and then evenly within one."""

    def __init__(
        self, questions: Sequence[Question], zipf_s: float, confusable_share: float, seed: int
    ) -> None:
        self._seed = seed
        self._popularity = Popularity(questions, zipf_s, seed)
        self._groups = groups_of(questions) if confusable_share else {}
        self._popularity_of_groups = Popularity([group[0] for group in self._groups.values()], zipf_s, seed)
        self._confusable_share = confusable_share

    def question_for(self, key: DrawKey) -> Question:
        """The question of this call."""
        seed = self._seed
        if self._groups and unit(seed, "confusable", *key) < self._confusable_share:
            name = self._popularity_of_groups.question_at(unit(seed, "question", *key)).group
            members = self._groups[name or ""]
            return members[int(unit(seed, "confusable member", *key) * len(members))]
        return self._popularity.question_at(unit(seed, "question", *key))

    def burst_question(self, nth: int) -> Question:
        """The question of burst `nth`: one of the least popular."""
        ranked = self._popularity.ranked
        return ranked[-1 - nth % len(ranked)]

    def wording_for(self, question: Question, key: DrawKey, paraphrase_share: float) -> str:
        """The question's own wording or, for `paraphrase_share` of calls, one of its paraphrases."""
        others = question.paraphrases
        if others and unit(self._seed, "paraphrase", *key) < paraphrase_share:
            return others[int(unit(self._seed, "wording", *key) * len(others))]
        return question.question
