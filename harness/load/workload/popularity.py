"""Popularity of questions: Zipf's law over the questions, in an order drawn from the seed."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from ..draws import bits
from .catalogue import Question


class Popularity:
    """Rank r is asked in proportion to 1 / r ** zipf_s (0: uniform; 1: Zipf's own law)."""

    def __init__(self, questions: Sequence[Question], zipf_s: float, seed: int) -> None:
        self.ranked = sorted(questions, key=lambda question: bits(seed, "popularity", question.id))
        self._cumulative = list(accumulate(rank**-zipf_s for rank in range(1, len(self.ranked) + 1)))

    def question_at(self, quantile: float) -> Question:
        """The question at this quantile (strictly between 0 and 1) of the calls, most popular first."""
        rank = bisect(self._cumulative, quantile * self._cumulative[-1])
        return self.ranked[min(rank, len(self.ranked) - 1)]
