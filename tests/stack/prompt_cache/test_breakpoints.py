"""Breakpoints stand where they pay, and only there."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.cache_hints import CacheTtl, Mark, Prefix, PrefixEnd
from harness.stack.prompt_cache.breakpoints import ANTHROPIC, break_even, minimum_of, place

ENDS: tuple[PrefixEnd, ...] = ("tools", "system", "earlier", "last")
SHARES = st.floats(0, 1)


@st.composite
def prompts(draw: st.DrawFn) -> tuple[Prefix, ...]:
    """Nested prefixes: each is longer than the one before, and the hour finds no less than five minutes."""
    sizes = draw(st.lists(st.integers(1, 4_000), max_size=4))
    prefixes = []
    for end, upto in zip(ENDS, [sum(sizes[: n + 1]) for n in range(len(sizes))], strict=False):
        short, long = sorted((draw(SHARES), draw(SHARES)))
        prefixes.append(Prefix(end, upto, short, long))
    return tuple(prefixes)


def cost(prefixes: tuple[Prefix, ...], marks: tuple[Mark, ...]) -> float:
    """Average cost of the longest prefix with these marks, in multiples of an input token's price."""
    of_end = {prefix.end: prefix for prefix in prefixes}
    total, since = 0.0, 0
    for mark in marks:
        prefix = of_end[mark.end]
        total += (prefix.tokens - since) * ANTHROPIC.of_marked(prefix, mark.ttl)
        since = prefix.tokens
    return total + (prefixes[-1].tokens - since if prefixes else 0)


@given(prompts(), st.integers(1, 4_096), st.integers(0, 4))
def test_marks_are_few_in_order_and_past_the_minimum(
    prefixes: tuple[Prefix, ...], min_tokens: int, most: int
) -> None:
    marks = place(prefixes, min_tokens, most=most)
    assert len(marks) <= most <= 4
    tokens = [prefix.tokens for mark in marks for prefix in prefixes if prefix.end == mark.end]
    assert tokens == sorted(tokens)
    assert all(count >= min_tokens for count in tokens)
    assert [mark.ttl for mark in marks] == sorted((mark.ttl for mark in marks), key=["1h", "5m"].index)


@given(prompts(), st.integers(1, 4_096))
def test_no_other_marks_would_be_cheaper(prefixes: tuple[Prefix, ...], min_tokens: int) -> None:
    lives: tuple[CacheTtl | None, ...] = (None, "1h", "5m")
    least = min(
        cost(prefixes, marks)
        for ttls in product(lives, repeat=len(prefixes))
        if (marks := tuple(Mark(p.end, ttl) for p, ttl in zip(prefixes, ttls, strict=True) if ttl))
        == tuple(sorted(marks, key=lambda mark: mark.ttl == "5m"))
        and all(p.tokens >= min_tokens for p in prefixes if any(mark.end == p.end for mark in marks))
    )
    assert cost(prefixes, place(prefixes, min_tokens)) == pytest.approx(least, abs=1e-3)


@pytest.mark.parametrize(("write", "share"), [(1.25, 0.2174), (2.0, 0.5263)])
def test_break_even_is_where_the_docstring_says(write: float, share: float) -> None:
    assert break_even(write, 0.1) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    ("five_minutes", "hour", "marks"),
    [
        (0.21, 0.52, ()),
        (0.22, 0.52, (Mark("system", "5m"),)),
        (0.21, 0.53, (Mark("system", "1h"),)),
        (0.9, 0.92, (Mark("system", "5m"),)),
        (0.3, 0.95, (Mark("system", "1h"),)),
    ],
)
def test_a_mark_is_set_from_the_break_even_on(
    five_minutes: float, hour: float, marks: tuple[Mark, ...]
) -> None:
    assert place([Prefix("system", 2_000, five_minutes, hour)], 1_024) == marks


def test_a_short_system_prompt_is_cached_together_with_the_history_that_makes_it_long_enough() -> None:
    prefixes = [Prefix("system", 500, 0.9, 0.9), Prefix("last", 3_000, 0.8, 0.8)]
    assert place(prefixes, 1_024) == (Mark("last", "5m"),)


def test_one_mark_does_for_two_prefixes_that_are_always_used_together() -> None:
    prefixes = [Prefix("tools", 2_000, 0.5, 0.5), Prefix("system", 4_000, 0.5, 0.5)]
    assert place(prefixes, 1_024) == (Mark("system", "5m"),)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-sonnet-4-5", 1_024),
        ("claude-haiku-4-5-20251001", 4_096),
        ("claude-opus-4-5", 4_096),
        ("claude-3-haiku-20240307", 2_048),
        ("claude-3-5-haiku-20241022", 2_048),
    ],
)
def test_each_model_has_its_own_minimum(model: str, tokens: int) -> None:
    assert minimum_of(model) == tokens
