"""The sliding window counts what is younger than its length, to one slice, and nothing older."""

from math import floor

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.state.window import Slice, Window, WindowShape, totals

STEPS = st.lists(st.tuples(st.floats(0, 50), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
SHAPES = st.builds(WindowShape, st.sampled_from([1.0, 30.0, 120.0]), st.integers(1, 100))


@given(SHAPES, STEPS)
def test_the_totals_are_those_of_the_latest_slices(
    shape: WindowShape, steps: list[tuple[float, int, int]]
) -> None:
    window: Window = ()
    now = 0.0
    counted: list[Slice] = []
    for after_s, good, bad in steps:
        now += after_s
        window = shape.counted(window, now, good=good, bad=bad)
        counted.append(Slice(floor(now * shape.slices / shape.length_s), good, bad))
    young = tuple(part for part in counted if part.nth > counted[-1].nth - shape.slices)
    assert totals(window) == totals(young)
    assert len(window) <= shape.slices


def test_a_slice_that_has_just_become_too_old_is_dropped() -> None:
    shape = WindowShape(30.0, 10)
    window = shape.counted((), 2.9, good=1)
    assert totals(shape.counted(window, 29.9, bad=1)) == (1, 1)
    assert totals(shape.counted(window, 30.0, bad=1)) == (0, 1)
