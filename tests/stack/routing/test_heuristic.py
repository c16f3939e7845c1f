"""The heuristic router: what it looks at, what it was trained on, and how little it may claim."""

import json
from collections.abc import Callable
from math import exp
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.workload.catalogue import load_catalogue
from harness.load.workload.halves import half_of, in_half
from harness.load.workload.options import WorkloadOptions, load_workload
from harness.stack.core.call import Call
from harness.stack.core.errors import ConfigError
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.routing.features import NAMES, features, question_in
from harness.stack.routing.heuristic import HeuristicOptions, Weights, heuristic, load_weights
from harness.stack.routing.tiers import Tiers
from harness.stack.routing.training import train
from harness.train_router import evaluate, train_on

TIERS = Tiers(
    ("small", "large"),
    (Target("s", "openai", "gpt-4o-mini", tier="small"), Target("l", "openai", "gpt-4o", tier="large")),
)
ZERO = (0.0,) * (len(NAMES) - 1)
LONG_IS_HARD = Weights(NAMES, (10.0, *ZERO), (5.0, *[1.0] * len(ZERO)), (2.0, *ZERO), 0.5)


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Some notes. Are they read?\nQuestion: Who is it?\nAnswer in about 9 tokens.", "Who is it?"),
        ("Tell me a story.", "Tell me a story."),
        ("", ""),
    ],
)
def test_only_the_question_counts_not_the_text_around_it(said: str, question: str) -> None:
    turns = (Message("user", "An earlier one?"), Message("assistant", "Yes?"), Message("user", said))
    assert question_in(turns) == question


def test_features_are_what_their_table_says() -> None:
    seen = dict(
        zip(NAMES, features("In which year was SHA-1, whose sum is squared, called Bob?"), strict=True)
    )
    assert seen == {
        "words": 11,
        "longest": 7,
        "mean": pytest.approx((2 + 5 + 4 + 3 + 5 + 5 + 3 + 2 + 7 + 6 + 3) / 11),
        "clauses": 3,
        "names": 2,
        "digits": 1,
        "who_when": 1,
        "define": 1,
        "sums": 2,
    }


def test_a_score_is_the_logistic_of_the_scaled_features() -> None:
    seen = (15.0, *ZERO)
    assert LONG_IS_HARD.score(seen) == pytest.approx(1 / (1 + exp(-2.5)))
    assert LONG_IS_HARD.why(seen).startswith("words +2.00, ")


@pytest.mark.parametrize(("words", "tier"), [(3, "small"), (12, "large")])
def test_the_score_decides_the_tier_and_both_are_on_the_facts(
    words: int, tier: str, call: Callable[..., Call]
) -> None:
    decision = heuristic(HeuristicOptions(), LONG_IS_HARD, TIERS, call(text="so " * words + "?"))
    assert decision.tier == tier
    assert decision.score == pytest.approx(1 / (1 + exp(-(0.5 + 2 * (words - 10) / 5))))
    assert decision.why.startswith("words ")


@given(st.floats(0, 1), st.floats(0, 1), st.text(max_size=60))
def test_a_higher_threshold_never_sends_more_to_the_large_tier(one: float, other: float, text: str) -> None:
    from tests.stack.conftest import a_call

    low, high = (
        heuristic(HeuristicOptions(threshold=t), LONG_IS_HARD, TIERS, a_call(text=text)).rank
        for t in sorted((one, other))
    )
    assert high <= low


@given(st.text(max_size=300))
def test_any_text_has_features_and_a_score(text: str) -> None:
    assert 0 <= load_weights().score(features(text)) <= 1


def test_training_finds_the_least_penalised_loss() -> None:
    rows = [(float(n % 7), float(n % 3)) for n in range(40)]
    large = [n % 7 + n % 5 > 4 for n in range(40)]
    found = train(("a", "b"), rows, large, l2=0.1)

    def loss(weights: Weights) -> float:
        p = np.array([weights.score(row) for row in rows])
        hit = np.where(large, p, 1 - p)
        return float(-np.log(hit).mean() + 0.05 * sum(w * w for w in weights.weights))

    best = loss(found)
    for nudge in (-0.01, 0.01):
        for n in range(2):
            moved = list(found.weights)
            moved[n] += nudge
            other = Weights(found.names, found.means, found.deviations, tuple(moved), found.intercept)
            assert loss(other) > best
        other = Weights(found.names, found.means, found.deviations, found.weights, found.intercept + nudge)
        assert loss(other) > best


def test_a_feature_that_never_changes_weighs_nothing() -> None:
    found = train(("a", "b"), [(n, 4.0) for n in range(9)], [n > 3 for n in range(9)])
    assert found.weights[1] == 0


def test_the_weights_that_come_along_are_those_of_the_script_on_the_shipped_catalogue() -> None:
    """When this fails because the questions changed: `python -m harness.train_router`."""
    questions = load_catalogue(load_workload(WorkloadOptions()).catalogue)
    again, shipped = train_on(questions), load_weights()
    for key in ("means", "deviations", "weights"):
        assert getattr(shipped, key) == pytest.approx(getattr(again, key), abs=1e-4)
    assert shipped.intercept == pytest.approx(again.intercept, abs=1e-4)


def test_the_half_a_question_is_in_depends_on_its_id_alone_and_nothing_is_in_both() -> None:
    questions = load_catalogue(load_workload(WorkloadOptions()).catalogue)
    train_half, test_half = in_half(questions, "train"), in_half(questions, "test")
    assert [q.id for q in questions if q in train_half or q in test_half] == [q.id for q in questions]
    assert not {q.id for q in train_half} & {q.id for q in test_half}
    assert [half_of(q.id) for q in reversed(test_half)] == ["test"] * len(test_half)
    assert 0.4 < len(train_half) / len(questions) < 0.6


def test_the_training_half_flatters_the_classifier() -> None:
    """On questions it was trained on it looks useful; on the others it must be judged anew."""
    questions = load_catalogue(load_workload(WorkloadOptions()).catalogue)
    weights = load_weights()
    seen, unseen = (evaluate(weights, questions, half) for half in ("train", "test"))
    assert seen.auc > 0.7
    assert unseen.auc < seen.auc


def test_a_workload_may_ask_one_half_only() -> None:
    half = load_workload(WorkloadOptions(half="test"))
    assert half.questions == in_half(load_workload(WorkloadOptions()).questions, "test")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "expected a router's weights"),
        ("[]", "expected a router's weights"),
        ('{"names": []}', "expected a router's weights"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused_in_one_line(
    text: str | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as error:
        load_weights(str(path))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_weights_of_ones_own_are_used(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(LONG_IS_HARD.as_json()))
    assert load_weights(str(path)) == LONG_IS_HARD
