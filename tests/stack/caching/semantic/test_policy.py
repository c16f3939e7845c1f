"""The verified policy: a promised share of wrong answers, kept whatever the evidence is worth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.caching.semantic.bound import upper_limits, wilson_upper
from harness.stack.caching.semantic.evidence import FEATURES, Evidence, Observations
from harness.stack.caching.semantic.policy import PolicyOptions, Verified, policy_of

SEEN = len(FEATURES)


def seen(n: int, seed: int, noise: float, wrong_at_best: float = 0.0) -> Observations:
    """Calls whose first feature tells how likely the answer is right, as far as `noise` lets it."""
    draws = np.random.default_rng(seed)
    features = draws.random((n, SEEN))
    chance = 1 / (1 + np.exp(-12 * (features[:, 0] - 0.5)))
    right = draws.random(n) < chance * (1 - wrong_at_best)
    features[:, 0] += noise * draws.standard_normal(n)
    return Observations(features, right, np.ones(n))


def served(policy: Verified, calls: Observations) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([policy.serves(Evidence(0, row[0], True, row)) for row in calls.features])


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize("delta", [0.02, 0.1])
def test_the_share_of_calls_answered_wrongly_stays_below_delta(delta: float, noise: float) -> None:
    """In 19 of 20 worlds, which is what 0.95 means; five of twenty would be one chance in 400."""
    broken = 0
    for seed in range(20):
        policy = Verified(delta, 0.95)
        policy.learn(seen(1000, seed, noise))
        calls = seen(4000, 1000 + seed, noise)
        broken += (served(policy, calls) & ~calls.right).mean() > delta
    assert broken < 5


def test_good_evidence_is_used() -> None:
    policy = Verified(0.02, 0.95)
    policy.learn(seen(2000, 1, 0.0))
    assert served(policy, seen(2000, 2, 0.0)).mean() > 0.3


def test_nothing_is_served_before_enough_is_known() -> None:
    policy, few = Verified(0.02, 0.95), seen(100, 1, 0.0)
    policy.learn(few)
    assert not served(policy, few).any()


def test_a_provider_that_never_says_the_same_twice_is_never_replaced() -> None:
    policy, calls = Verified(0.02, 0.95), seen(2000, 1, 0.0)
    policy.learn(Observations(calls.features, np.zeros(2000, dtype=np.bool_), calls.weights))
    assert not served(policy, calls).any()


def test_a_cache_that_was_never_wrong_is_believed_as_far_as_it_was_seen() -> None:
    policy, calls = Verified(0.02, 0.95), seen(300, 1, 0.0)
    calls.features[:, 0] += 1
    policy.learn(calls._replace(right=np.ones(300, dtype=np.bool_)))
    assert served(policy, calls).mean() > 0.95
    calls.features[:, 0] -= 1
    assert not served(policy, calls).any()


def test_an_audit_counts_for_all_the_hits_that_were_not_audited() -> None:
    calls = seen(2000, 1, 0.0)
    plain, wary = Verified(0.02, 0.95), Verified(0.02, 0.95)
    plain.learn(calls)
    wary.learn(calls._replace(weights=np.where(calls.right, 1.0, 20.0)))
    assert served(wary, calls).sum() < served(plain, calls).sum()


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=20)
def test_the_same_observations_teach_the_same(seed: int, other: int) -> None:
    calls, asked = seen(500, seed, 0.1), seen(50, other, 0.1)
    one, two = Verified(0.05, 0.9), Verified(0.05, 0.9)
    two.learn(seen(300, other, 0.1))
    one.learn(calls)
    two.learn(calls)
    assert np.array_equal(served(one, asked), served(two, asked))


@pytest.mark.parametrize(("events", "limit"), [(0, 3.00), (1, 4.74), (10, 16.96), (50, 63.29), (100, 118.08)])
def test_the_limit_is_that_of_tables_for_weights_of_one(events: int, limit: float) -> None:
    seen = np.array([float(events)])
    assert upper_limits(seen, seen, np.ones(10), 0.95)[0] == pytest.approx(limit, rel=0.02)


def test_wilson_is_that_of_tables() -> None:
    assert wilson_upper(10, 100) == pytest.approx(0.1744, abs=1e-4)
    assert wilson_upper(0, 0) == 1.0


def test_the_other_policies_look_at_similarity_and_tokens_only() -> None:
    near = Evidence(0, 0.9, False, np.zeros(SEEN))
    assert policy_of(PolicyOptions(policy="plain", threshold=0.9)).serves(near)
    assert not policy_of(PolicyOptions(policy="plain", threshold=0.91)).serves(near)
    assert not policy_of(PolicyOptions(policy="gated", threshold=0.9)).serves(near)
    assert policy_of(PolicyOptions(policy="gated", threshold=0.9)).serves(near._replace(same_tokens=True))
