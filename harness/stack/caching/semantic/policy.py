"""Whether a cached answer is near enough to be served: a plain threshold, a gated one, or a verified one.

The verified policy bounds the share of all calls that get a wrong answer from the cache by `delta`. It learns
from calls with known answers, as vCache does (arXiv 2502.03771): logistic regression fits the probability
that the nearest answer is right, and the lowest threshold on it is chosen at which the upper confidence limit
of the wrongly served calls is at most `delta` of all calls.

Lowering the threshold only adds wrong answers, so the limit is crossed once, and the search needs no
correction (Learn then Test, arXiv 2110.01052). The guarantee does not need a good fit (a bad one serves
less), but it assumes that future calls are like those seen.
"""

from typing import Literal, Protocol

import numpy as np
from pydantic import Field

from ...config.options import Options
from .bound import upper_limits
from .evidence import Evidence, Floats, Observations
from .logistic import Scale, fit, log_odds

FOLDS = 2


class PolicyOptions(Options):
    """`policy` "verified": at most a share `delta` 0.02 of all calls gets a wrong answer, at `confidence`
    0.99, which in 19 of 20 cases also holds for as many further calls as are known; "plain": serves if the
    similarity is `threshold` 0.85 or more; "gated": and negations, numbers and names are the same.
    """

    policy: Literal["plain", "gated", "verified"] = "verified"
    threshold: float = Field(default=0.85, ge=-1, le=1)
    delta: float = Field(default=0.02, gt=0, lt=1)
    confidence: float = Field(default=0.99, gt=0.5, lt=1)


class Policy(Protocol):
    """Decides on a match; `learns`: whether `learn` has an effect."""

    learns: bool

    def serves(self, evidence: Evidence) -> bool:
        """Whether the answer may be served."""
        ...

    def learn(self, observations: Observations) -> None:
        """Refit to all matches with a known verdict."""
        ...


class Threshold:
    """Serves from a similarity on; `gated`: only if negations, numbers and names are the same."""

    learns = False

    def __init__(self, similarity: float, *, gated: bool) -> None:
        self._similarity = similarity
        self._gated = gated

    def serves(self, evidence: Evidence) -> bool:
        return evidence.similarity >= self._similarity and (evidence.same_tokens or not self._gated)

    def learn(self, observations: Observations) -> None:
        """No effect."""


class Verified:
    """Serves nothing until there are enough calls to verify `delta`: about 4.6 / delta at 0.99."""

    learns = True

    def __init__(self, delta: float, confidence: float) -> None:
        self._delta = delta
        self._confidence = confidence
        self._scale: Scale | None = None
        self._models: list[Floats] = []
        self._least_odds = np.inf
        self._least_similarity = np.inf

    def serves(self, evidence: Evidence) -> bool:
        if self._scale is None or evidence.similarity < self._least_similarity:
            return False
        scaled = self._scale(evidence.features[None])
        odds = np.mean([log_odds(model, scaled)[0] for model in self._models])
        return bool(odds >= self._least_odds)

    def learn(self, observations: Observations) -> None:
        """Refit with cross-fitting: each match is scored by the model that was fitted without it. Matches
        less similar than any that was served so are never served.
        """
        features, right, weights = observations
        self._least_similarity = np.inf
        if weights.sum() * self._delta < 1 or not right.any():
            return
        self._scale = Scale.of(features)
        scaled = self._scale(features)
        fold = np.arange(len(right)) % FOLDS
        self._models = [fit(scaled[fold != n], right[fold != n], weights[fold != n]) for n in range(FOLDS)]
        odds = np.choose(fold, [log_odds(model, scaled) for model in self._models])
        order = np.argsort(-odds, kind="stable")
        wrong = np.where(right, 0.0, weights)[order]
        limits = upper_limits(wrong.cumsum(), (wrong**2).cumsum(), weights, self._confidence)
        served = order[limits <= self._delta * weights.sum()]
        if len(served):
            self._least_odds = float(odds[served].min())
            self._least_similarity = float(features[served, 0].min())


def policy_of(options: PolicyOptions) -> Policy:
    """The policy that the options describe."""
    if options.policy == "verified":
        return Verified(options.delta, options.confidence)
    return Threshold(options.threshold, gated=options.policy == "gated")
