"""White space is neither lost nor doubled where a partial answer ends and its continuation begins."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.resilience.seam import Seam, join

TEXT = st.text("ab \n", max_size=8)
BEGUN_WITH_A_WORD = st.text("ab", max_size=2).filter(bool)


@given(TEXT, BEGUN_WITH_A_WORD)
def test_a_continuation_that_begins_with_a_word_is_kept_whole(said: str, rest: str) -> None:
    assert join(said, rest) == said + rest


@given(TEXT, BEGUN_WITH_A_WORD)
def test_a_continuation_may_repeat_the_white_space_at_the_end(said: str, rest: str) -> None:
    assert join(said, said[len(said.rstrip()) :] + rest) == said + rest


@given(TEXT, TEXT, st.lists(st.integers(0, 8), max_size=3))
def test_the_seam_is_the_same_however_the_continuation_is_cut(said: str, rest: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(rest)) for cut in cuts), len(rest)]
    seam = Seam(said)
    taken = "".join(seam.take(rest[start:end]) for start, end in pairwise(bounds))
    assert said + taken == join(said, rest)


@given(TEXT, TEXT)
def test_only_white_space_is_ever_dropped(said: str, rest: str) -> None:
    kept = join(said, rest)[len(said) :]
    assert rest.endswith(kept)
    assert not rest[: len(rest) - len(kept)].strip()
