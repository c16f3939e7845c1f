"""The sweep over a semantic cache's thresholds, counted by hand."""

from pathlib import Path
from typing import Any

from reports.analysis.analyse import subject_facts
from reports.analysis.semantic_sweep import Hits, hits_of, sweep, swept
from reports.page.figures.canvas import page_style
from reports.page.figures.semantic import semantic
from tests.reports.synthetic import call, run_of


def question(
    id: str, question_id: str, cache: str = "miss", nearest: str | None = None, **facts: Any
) -> dict[str, Any]:
    known = {} if nearest is None else {"cache_nearest": nearest, "cache_same_tokens": True}
    return call(id, question_id=question_id, cache=cache, **known, **facts)


CALLS = [
    question("a", "q1"),
    question("b", "q1", "semantic", "a", cached_from="a", cache_similarity=0.9),
    question("c", "q2", nearest="a", cache_similarity=0.7) | {"cache_same_tokens": False},
    question("d", "q2", nearest="c", cache_similarity=0.8),
    question("e", "q1", "exact", cached_from="a"),
]


def test_every_threshold_has_its_hits_and_its_false_hits(tmp_path: Path) -> None:
    [facts] = subject_facts(run_of(tmp_path, CALLS)).values()
    assert sweep(facts) == [Hits(0.4, 0.0), Hits(0.6, 0.0), Hits(0.8, 0.2)]
    assert sweep(facts, gated=True) == [Hits(0.4, 0.0), Hits(0.6, 0.0)]
    assert hits_of(facts) == Hits(0.4, 0.0)


def test_equal_similarities_are_hits_together(tmp_path: Path) -> None:
    calls = [question("a", "q1"), *(question(id, "q2", nearest="a", cache_similarity=0.5) for id in "bc")]
    [facts] = subject_facts(run_of(tmp_path, calls)).values()
    assert sweep(facts) == [Hits(2 / 3, 2 / 3)]


def test_the_cache_that_answered_least_is_the_one_shown(tmp_path: Path) -> None:
    rows = [row | {"subject": "wary", "cache": "miss", "cached_from": None} for row in CALLS]
    run = run_of(tmp_path, [*CALLS, *rows], subjects=("full", "wary"))
    subjects = list(subject_facts(run).values())
    shown = swept(subjects)
    assert shown is not None
    assert shown.subject == "wary"
    with page_style():
        drawn = semantic(subjects)
    assert drawn is not None
    assert "the cache of wary" in drawn.caption


def test_without_a_semantic_cache_there_is_no_such_figure(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call("a", cache="exact"), call("b")])
    with page_style():
        assert semantic(list(subject_facts(run).values())) is None
