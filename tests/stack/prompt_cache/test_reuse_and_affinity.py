"""Measured reuse of prefixes, and a session's affinity to the target that holds its prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.target import Target
from harness.stack.prompt_cache.affinity import PrefixAffinity, preferred_first
from harness.stack.prompt_cache.reuse import Reuse

TARGETS = tuple(Target(name, "openai", "gpt-4o") for name in ("a", "b", "c"))


def test_without_samples_the_share_is_the_prior() -> None:
    assert Reuse(300.0, 0.5).share == 0.5


def test_a_prefix_that_is_always_reused_has_a_share_near_one() -> None:
    reuse = Reuse(300.0, 0.5)
    for n in range(400):
        reuse.see(b"shared", 10.0 * n)
    assert reuse.share > 0.98


def test_prefixes_that_come_once_have_a_share_near_zero() -> None:
    reuse = Reuse(300.0, 0.5)
    for n in range(400):
        reuse.see(b"%d" % n, 10.0 * n)
    assert reuse.share < 0.01


def test_a_use_after_the_entry_expired_does_not_count() -> None:
    reuse = Reuse(300.0, 0.5)
    for n in range(400):
        reuse.see(b"shared", 300.0 * n)
    assert reuse.share < 0.01


def test_a_change_of_traffic_is_learned() -> None:
    reuse = Reuse(300.0, 0.5, window=100)
    for n in range(1_000):
        reuse.see(b"shared", 1.0 * n)
    for n in range(1_000):
        reuse.see(b"%d" % n, 1_000.0 + n)
    assert reuse.share < 0.1


@given(st.lists(st.tuples(st.binary(max_size=1), st.floats(0, 1000)), max_size=300))
def test_the_share_is_one_and_memory_is_bounded(sightings: list[tuple[bytes, float]]) -> None:
    reuse = Reuse(300.0, 0.5, window=20, max_entries=8)
    now = 0.0
    for key, gap_s in sightings:
        now += gap_s
        reuse.see(key, now)
        assert 0 <= reuse.share <= 1
        assert len(reuse) <= 8


def test_an_affinity_expires_when_it_is_idle_for_too_long() -> None:
    affinity = PrefixAffinity(300.0, 10)
    affinity.put(b"k", "b", 0.0)
    assert affinity.of(b"k", 299.0) == "b"
    affinity.put(b"k", "b", 299.0)
    assert affinity.of(b"k", 598.0) == "b"
    assert affinity.of(b"k", 599.0) is None
    assert len(affinity) == 0


def test_the_last_target_that_read_a_prefix_holds_it() -> None:
    affinity = PrefixAffinity(300.0, 10)
    affinity.put(b"k", "a", 0.0)
    affinity.put(b"k", "c", 1.0)
    assert affinity.of(b"k", 2.0) == "c"


def test_the_affinities_used_least_recently_are_dropped() -> None:
    affinity = PrefixAffinity(300.0, 2)
    for n, key in enumerate((b"a", b"b", b"a", b"c")):
        affinity.put(key, "a", float(n))
    assert (affinity.of(b"a", 4.0), affinity.of(b"b", 4.0), affinity.of(b"c", 4.0)) == ("a", None, "a")


@pytest.mark.parametrize(
    ("preferred", "order"), [("c", "cab"), ("a", "abc"), (None, "abc"), ("no longer there", "abc")]
)
def test_the_preferred_target_is_tried_first_and_the_others_in_their_order(
    preferred: str | None, order: str
) -> None:
    assert "".join(target.name for target in preferred_first(TARGETS, preferred)) == order
