"""The retry budget bounds all extra attempts by the number of calls."""

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.resilience.retry_budget import RetryBudgetOptions, Tokens, deposit, withdraw

STEPS = st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=200)


@given(STEPS, st.floats(0, 1), st.floats(0, 3), st.floats(0, 20), st.floats(1, 30))
def test_no_more_is_granted_than_was_deposited(
    steps: list[tuple[bool, float]], ratio: float, min_per_s: float, initial: float, cap: float
) -> None:
    options = RetryBudgetOptions(ratio=ratio, min_per_s=min_per_s, initial=initial, cap=cap)
    tokens: Tokens | None = None
    now, calls, granted = 0.0, 0, 0
    for is_call, after_s in steps:
        now += after_s
        if is_call:
            tokens, calls = deposit(options, tokens, now), calls + 1
        else:
            tokens, yes = withdraw(options, tokens, now)
            granted += yes
        assert 0 <= tokens.level <= cap
    assert granted <= initial + calls * ratio + now * min_per_s + 1e-6


def test_under_total_failure_the_load_grows_by_the_ratio_only() -> None:
    options = RetryBudgetOptions(ratio=0.2, min_per_s=0, initial=0)
    tokens, granted = None, 0
    for _ in range(1000):
        tokens = deposit(options, tokens, 0.0)
        tokens, yes = withdraw(options, tokens, 0.0)
        granted += yes
    assert 199 <= granted <= 200


def test_a_client_with_little_traffic_may_retry_sometimes() -> None:
    options = RetryBudgetOptions(ratio=0, min_per_s=0.5, initial=0)
    tokens, first = withdraw(options, None, 0.0)
    tokens, soon = withdraw(options, tokens, 1.0)
    _, later = withdraw(options, tokens, 2.0)
    assert (first, soon, later) == (False, False, True)
