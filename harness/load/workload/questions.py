"""Which question a call asks, and in which words; draws are keyed by who asks, so none shifts another."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from ..draws import IdentityPart, unit
from ..strict import StrictModel
from .catalogue import Question
from .popularity import Popularity

Who = tuple[IdentityPart, ...]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Burst(StrictModel):
    """Everybody asks the same at once: `{ from_s = 20, to_s = 22 }`, seconds of the run.

    In that time a `share` (default 1.0) of the calls has one prompt, the burst's own.
    """

    from_s: Moment
    to_s: Moment
    share: Share = 1.0

    @model_validator(mode="after")
    def _in_order(self) -> "Burst":
        if self.to_s <= self.from_s:
            raise ValueError(f"expected to_s after from_s, got {self.from_s:g} to {self.to_s:g}")
        return self


def groups_of(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """The questions that are easily confused, by group; a group of one confuses nobody and is left out."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        if question.group is not None:
            found.setdefault(question.group, []).append(question)
    return {name: members for name, members in found.items() if len(members) > 1}


class Questions:
    """Draws questions: by Zipf's law over all of them, or over the groups and then evenly within one."""

    def __init__(
        self, questions: Sequence[Question], zipf_s: float, confusable_share: float, seed: int
    ) -> None:
        self._seed = seed
        self._popularity = Popularity(questions, zipf_s, seed)
        self._groups = groups_of(questions) if confusable_share else {}
        self._popularity_of_groups = Popularity([group[0] for group in self._groups.values()], zipf_s, seed)
        self._confusable_share = confusable_share

    def asked_by(self, who: Who) -> Question:
        """The question of this call."""
        seed = self._seed
        if self._groups and unit(seed, "confusable", *who) < self._confusable_share:
            name = self._popularity_of_groups.question_at(unit(seed, "question", *who)).group
            members = self._groups[name or ""]
            return members[int(unit(seed, "confusable member", *who) * len(members))]
        return self._popularity.question_at(unit(seed, "question", *who))

    def asked_in_burst(self, nth: int) -> Question:
        """The question of burst `nth`: one that hardly anybody asks otherwise."""
        ranked = self._popularity.ranked
        return ranked[-1 - nth % len(ranked)]

    def worded(self, question: Question, who: Who, paraphrase_share: float) -> str:
        """The question's own wording or, for that share of calls, one of its paraphrases, all alike."""
        others = question.paraphrases
        if others and unit(self._seed, "paraphrase", *who) < paraphrase_share:
            return others[int(unit(self._seed, "wording", *who) * len(others))]
        return question.question
