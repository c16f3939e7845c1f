"""Draws are keyed by identity."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from mock_providers.exchange.draws import Draws

PARTS = st.lists(st.text(max_size=20) | st.integers(), max_size=5).map(tuple)


@given(st.integers(), PARTS)
def test_the_same_identity_draws_the_same(seed: int, identity: tuple[str | int, ...]) -> None:
    assert Draws(seed).rng(*identity).random() == Draws(seed).rng(*identity).random()
    assert Draws(seed).uniform(*identity) == Draws(seed).uniform(*identity)


@given(st.integers(), PARTS, PARTS)
def test_different_identities_draw_apart(
    seed: int, one: tuple[str | int, ...], other: tuple[str | int, ...]
) -> None:
    same_identity = [(type(part), part) for part in one] == [(type(part), part) for part in other]
    assert (Draws(seed).uniform(*one) == Draws(seed).uniform(*other)) is same_identity


@given(PARTS, PARTS)
def test_an_identity_may_be_given_in_two_steps(
    front: tuple[str | int, ...], rest: tuple[str | int, ...]
) -> None:
    assert Draws(7).under(*front).uniform(*rest) == Draws(7).uniform(*front, *rest)


def test_seeds_draw_apart() -> None:
    assert len({Draws(seed).uniform("ttft") for seed in range(1000)}) == 1000


def test_uniform_draws_fill_the_unit_interval_evenly() -> None:
    draws = [Draws(1).uniform(n) for n in range(20_000)]
    assert min(draws) >= 0.0
    assert max(draws) < 1.0
    tenths = [sum(1 for draw in draws if int(draw * 10) == tenth) for tenth in range(10)]
    assert all(1800 < count < 2200 for count in tenths)


def test_draws_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    code = "from mock_providers.exchange.draws import Draws; print(Draws(3).rng('openai', 'x', 0).random())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert printed == {f"{Draws(3).rng('openai', 'x', 0).random()}\n"}
