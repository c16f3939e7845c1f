"""Policy `heuristic`: a small classifier says how likely a question wants the large tier.

Logistic regression on the features of `features.py`; the weights come along as `heuristic.json`, trained by
`python -m harness.train_router` on half of the questions of our own catalogue, or are a file of the
user's own. The score is the probability; from `threshold` on the largest tier is asked, below it the
smallest. What moved the score most is told in the facts: a feature's weight times its distance from the mean.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from math import exp
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from ..core.call import Call
from ..core.errors import ConfigError
from ..core.facts import CallFacts
from ..core.options import Options
from .features import NAMES, features_of
from .tiers import Decision, Tiers

TOLD = 3
"""So many features are named in a decision's `why`."""


class HeuristicOptions(Options):
    """`threshold` 0.5, the score from which on the largest tier is asked; `weights` "" are those that come
    along, otherwise the path of a file of the same form.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """A trained classifier: each feature's mean and deviation on the training half, and its weight."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def pulls(self, features: tuple[float, ...]) -> tuple[float, ...]:
        """How far each feature moves the score, in log odds: up is towards the large tier."""
        scaled = zip(features, self.means, self.deviations, self.weights, strict=True)
        return tuple((value - mean) / deviation * weight for value, mean, deviation, weight in scaled)

    def score(self, features: tuple[float, ...]) -> float:
        """The probability that the question wants the large tier."""
        odds = self.intercept + sum(self.pulls(features))
        return 1 / (1 + exp(-odds)) if odds >= 0 else exp(odds) / (1 + exp(odds))

    def why(self, features: tuple[float, ...]) -> str:
        """The features that moved the score most, e.g. "words +0.52, names -0.31"."""
        pulls = sorted(zip(self.names, self.pulls(features), strict=True), key=lambda pull: -abs(pull[1]))
        return ", ".join(f"{name} {pull:+.2f}" for name, pull in pulls[:TOLD])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """Raises `KeyError`, `TypeError` or `ValueError` when it is no classifier of these features."""
        columns = [tuple(map(float, told[key])) for key in ("means", "deviations", "weights")]
        if tuple(told["names"]) != NAMES or any(len(column) != len(NAMES) for column in columns):
            raise ValueError(f"expected the features {', '.join(NAMES)}")
        if 0.0 in columns[1]:
            raise ValueError("expected deviations above 0")
        means, deviations, weights = columns
        return cls(NAMES, means, deviations, weights, float(told["intercept"]))


def load_weights(path: str = "") -> Weights:
    """The classifier in a file, or the one that comes along. Raises `ConfigError`, one line."""
    if not path:
        return Weights.from_json(json.loads((files(__package__) / "heuristic.json").read_text("utf-8")))
    try:
        return Weights.from_json(json.loads(Path(path).read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: expected a router's weights ({error})") from error


def heuristic(options: HeuristicOptions, weights: Weights, tiers: Tiers, call: Call) -> Decision:
    """The decision for one call."""
    seen = features_of(call)
    score = weights.score(seen)
    wanted = tiers.names[-1] if score >= options.threshold else tiers.names[0]
    return tiers.to(tiers.nearest(call, wanted), score, weights.why(seen))


class Heuristic:
    """The policy; nothing is learnt while it runs."""

    name = "heuristic"

    def __init__(self, options: HeuristicOptions, tiers: Tiers) -> None:
        self._options = options
        self._tiers = tiers
        self._weights = load_weights(options.weights)

    async def decide(self, call: Call) -> Decision:
        return heuristic(self._options, self._weights, self._tiers, call)

    def learn(self, facts: CallFacts) -> None:
        pass
