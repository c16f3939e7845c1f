"""Options of generated replies: accuracy by difficulty, and length."""

import math
import random
from typing import Annotated

from pydantic import Field

from ..exchange.options import Options
from ..plan import Answer

Share = Annotated[float, Field(ge=0, le=1)]


class Accuracy(Options):
    """The share of right answers by difficulty of the question.

    - `hallucinated`: share of the other answers that is invented (default 0.25, our choice); the rest are
      wrong answers of the catalogue
    - `concise`: factor of the accuracy when the system prompt asks to be concise (default 0.98, our choice;
      "negligible" on average in the source that `ReplyLength` names, 28 % lost by one model in mathematics)
    - `unsure_right`, `unsure_wrong`: share of the right, and of the other answers, that say they are not sure
      (default 0)
    """

    easy: Share
    medium: Share
    hard: Share
    hallucinated: Share = 0.25
    concise: Share = 0.98
    unsure_right: Share = 0.0
    unsure_wrong: Share = 0.0

    def unsure(self, answer: Answer) -> float:
        """The share of answers of this kind that say they are not sure."""
        return self.unsure_right if answer == "right" else self.unsure_wrong


class ReplyLength(Options):
    """Length of a reply whose prompt names none: lognormal(`mu`, `sigma`) tokens.

    - `concise`: factor of any length when the system prompt asks to be concise (default 0.513: 48.70 %
      shorter, Renze and Guven 2024, arXiv 2401.05618, GPT-3.5 and GPT-4)
    """

    mu: Annotated[float, Field(ge=0, le=12)] = 5.02
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.86
    concise: Share = 0.513

    def draw(self, rng: random.Random) -> int:
        """Tokens, at least 1."""
        return max(1, round(math.exp(rng.gauss(self.mu, self.sigma))))
