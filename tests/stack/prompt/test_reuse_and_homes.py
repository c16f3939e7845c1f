"""How often a prefix is used again is counted; a session goes back to who holds its prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.target import Target
from harness.stack.prompt.affinity import Homes, home_first
from harness.stack.prompt.reuse import Reuse

TARGETS = tuple(Target(name, "openai", "gpt-4o") for name in ("a", "b", "c"))


def test_until_something_is_seen_the_prior_stands() -> None:
    assert Reuse(300.0, 0.5).share == 0.5


def test_a_prefix_that_is_always_used_again_is_expected_to_be() -> None:
    reuse = Reuse(300.0, 0.5)
    for n in range(400):
        reuse.see(b"shared", 10.0 * n)
    assert reuse.share > 0.98


def test_prefixes_that_come_once_are_not_expected_again() -> None:
    reuse = Reuse(300.0, 0.5)
    for n in range(400):
        reuse.see(b"%d" % n, 10.0 * n)
    assert reuse.share < 0.01


def test_what_comes_after_its_life_is_over_does_not_count() -> None:
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


def test_a_home_is_known_until_it_is_idle_for_too_long() -> None:
    homes = Homes(300.0, 10)
    homes.put(b"k", "b", 0.0)
    assert homes.of(b"k", 299.0) == "b"
    homes.put(b"k", "b", 299.0)
    assert homes.of(b"k", 598.0) == "b"
    assert homes.of(b"k", 599.0) is None
    assert len(homes) == 0


def test_who_reads_it_last_is_its_home() -> None:
    homes = Homes(300.0, 10)
    homes.put(b"k", "a", 0.0)
    homes.put(b"k", "c", 1.0)
    assert homes.of(b"k", 2.0) == "c"


def test_the_homes_used_least_recently_are_forgotten() -> None:
    homes = Homes(300.0, 2)
    for n, key in enumerate((b"a", b"b", b"a", b"c")):
        homes.put(key, "a", float(n))
    assert (homes.of(b"a", 4.0), homes.of(b"b", 4.0), homes.of(b"c", 4.0)) == ("a", None, "a")


@pytest.mark.parametrize(
    ("home", "order"), [("c", "cab"), ("a", "abc"), (None, "abc"), ("no longer there", "abc")]
)
def test_the_home_is_tried_first_and_the_others_in_their_order(home: str | None, order: str) -> None:
    assert "".join(target.name for target in home_first(TARGETS, home)) == order
