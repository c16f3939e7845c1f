"""The workload: strict options, the catalogue it finds, and popularity by Zipf's law."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import InputError
from harness.load.draws import bits, unit
from harness.load.workload.options import WorkloadOptions, describe_workload, load_workload
from harness.load.workload.popularity import Popularity

OWN = load_workload(WorkloadOptions())
LINE = '{"id":"x","question":"Why?","answer":"because","wrong":["no"],"difficulty":"hard","topic":"t"}\n'


@pytest.mark.parametrize(
    "options",
    [
        {"lengths": "azure"},
        {"zipf_s": -1},
        {"zipf_s": float("nan")},
        {"tenants": 0},
        {"tenants": 1.5},
        {"max_tokens": "many"},
        {"max_output_tokens": 0},
        {"stream": 1},
        {"catalogue": ""},
        {"catalog": "catalogue.jsonl"},
    ],
)
def test_options_that_are_unknown_or_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WorkloadOptions.model_validate(options)


def test_whole_numbers_do_for_the_exponent_as_in_a_toml_file() -> None:
    assert WorkloadOptions.model_validate({"zipf_s": 1}).zipf_s == 1.0


def test_a_catalogue_beside_the_scenario_prevails_and_ours_is_found_without_one(tmp_path: Path) -> None:
    assert load_workload(WorkloadOptions(), tmp_path) == OWN
    (tmp_path / "catalogue.jsonl").write_text(LINE)
    theirs = load_workload(WorkloadOptions(), tmp_path)
    assert [question.id for question in theirs.questions] == ["x"]
    assert theirs.catalogue == tmp_path / "catalogue.jsonl"


def test_a_catalogue_that_is_nowhere_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r'^workload\.catalogue: expected a file in .* or .*, got "mine\.jsonl"$'
    ):
        load_workload(WorkloadOptions(catalogue="mine.jsonl"), tmp_path)


@pytest.mark.parametrize("zipf_s", [0.0, 0.7, 1.0, 1.5])
def test_popularity_follows_zipfs_law(zipf_s: float) -> None:
    popularity = Popularity(OWN.questions, zipf_s, seed=7)
    n = 40_000
    times = Counter(popularity.question_at(unit(7, "test", call)).id for call in range(n))
    weights = [rank**-zipf_s for rank in range(1, len(OWN.questions) + 1)]
    for rank in (0, 1, 2, 9, 49):
        expected = n * weights[rank] / sum(weights)
        assert times[popularity.ranked[rank].id] == pytest.approx(expected, abs=4 * expected**0.5 + 1)


@given(st.integers(), st.floats(0, 10), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_every_quantile_has_a_question_and_every_question_a_rank(seed: int, zipf_s: float, at: float) -> None:
    popularity = Popularity(OWN.questions, zipf_s, seed)
    assert popularity.question_at(at) in OWN.questions
    assert sorted(question.id for question in popularity.ranked) == [
        question.id for question in OWN.questions
    ]


def test_which_question_is_popular_depends_on_the_seed_and_not_on_the_files_order() -> None:
    ranked = Popularity(OWN.questions, 1.0, 7).ranked
    assert Popularity(OWN.questions[::-1], 1.0, 7).ranked == ranked
    assert Popularity(OWN.questions, 1.0, 8).ranked != ranked


@given(st.integers(), st.lists(st.one_of(st.integers(), st.text()), max_size=3))
def test_a_unit_draw_is_strictly_between_zero_and_one(seed: int, identity: list[int | str]) -> None:
    assert 0 < unit(seed, *identity) < 1


def test_draws_of_unlike_identities_are_unlike() -> None:
    assert len({bits(1, "a", "b"), bits(1, "ab"), bits(1, "a, b"), bits(1, "1"), bits(1, 1), bits(11)}) == 6


def test_the_workload_is_described_for_people() -> None:
    text = describe_workload(load_workload(WorkloadOptions(tenants=3, stream=False, zipf_s=0)))
    assert text == (
        f"{len(OWN.questions)} questions of catalogue.jsonl, uniform popularity; 80% of calls have "
        "notes of their own, the others repeat a question's prompt; token lengths fitted to the Azure "
        "LLM 2023 conversation trace; planned replies up to 1,024 tokens, max_tokens 1,024, not streamed; "
        "3 tenants"
    )
