"""Policy `heuristic`: a small classifier estimates how likely a question needs the large tier.

Logistic regression on the features of `features.py`. The shipped weights, `heuristic.json`, were trained by
`python -m harness.train_router` on half of the questions of the catalogue; a user can name another file. The
score is the probability; from `threshold` on the largest tier is asked, below it the smallest. The facts name
the features that moved the score most: weight times standardised distance from the mean.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from math import exp
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from ..config.options import Options
from ..core.call import Call
from ..core.errors import ConfigError
from ..core.facts import CallFacts
from .features import NAMES, features_of
from .tiers import Decision, Tiers

NAMED_FEATURES = 3
"""Number of features named in a decision's `why`."""


class HeuristicOptions(Options):
    """`threshold` 0.5: the largest tier is asked from this score on. `weights` "": the path of a weights
    file,
    "" for the shipped one.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """A trained classifier: each feature's mean and deviation on the training set, and its weight."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def pulls(self, features: tuple[float, ...]) -> tuple[float, ...]:
        """How far each feature moves the score, in log odds; positive is towards the large tier."""
        scaled = zip(features, self.means, self.deviations, self.weights, strict=True)
        return tuple((value - mean) / deviation * weight for value, mean, deviation, weight in scaled)

    def score(self, features: tuple[float, ...]) -> float:
        """The probability that the question needs the large tier."""
        odds = self.intercept + sum(self.pulls(features))
        return 1 / (1 + exp(-odds)) if odds >= 0 else exp(odds) / (1 + exp(odds))

    def why(self, features: tuple[float, ...]) -> str:
        """The features that moved the score most, e.g. "words +0.52, names -0.31"."""
        pulls = sorted(zip(self.names, self.pulls(features), strict=True), key=lambda pull: -abs(pull[1]))
        return ", ".join(f"{name} {pull:+.2f}" for name, pull in pulls[:NAMED_FEATURES])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Raises `KeyError`, `TypeError` or `ValueError` unless it is a classifier of these features."""
        columns = [tuple(map(float, fields[key])) for key in ("means", "deviations", "weights")]
        if tuple(fields["names"]) != NAMES or any(len(column) != len(NAMES) for column in columns):
            raise ValueError(f"expected the features {', '.join(NAMES)}")
        if 0.0 in columns[1]:
            raise ValueError("expected deviations above 0")
        means, deviations, weights = columns
        return cls(NAMES, means, deviations, weights, float(fields["intercept"]))


def load_weights(path: str = "") -> Weights:
    """The classifier in a file, or the shipped one for "". Raises `ConfigError`, one line."""
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
    """The policy; it learns nothing while it runs."""

    name = "heuristic"

    def __init__(self, options: HeuristicOptions, tiers: Tiers) -> None:
        self._options = options
        self._tiers = tiers
        self._weights = load_weights(options.weights)

    async def decide(self, call: Call) -> Decision:
        return heuristic(self._options, self._weights, self._tiers, call)

    def learn(self, facts: CallFacts) -> None:
        pass
