"""Quality against cost: PGR, APGR and the saving at equal quality, checked against sums done by hand."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.analyse import subject_facts, summarise
from reports.metrics import Facts, Rate, subject_metrics
from reports.metrics.routing_gap import Gap, Point, curve_of, gap_of
from reports.page.figures.canvas import page_style
from reports.page.figures.routing import routing
from reports.record.run import Run
from tests.reports.synthetic import attempt, call, ledger_row, run_of

GAP = Gap(small=Point(1.0, 0.6), large=Point(11.0, 1.0))
RELATIVE = ("gap_recovered", "apgr", "saving_at_equal_quality")
NAMES = ("small", "large", "heuristic", "cascade")


def test_the_gap_recovered_is_0_at_the_small_end_and_1_at_the_large_one() -> None:
    assert (GAP.recovered(GAP.small), GAP.recovered(GAP.large)) == (0, 1)
    assert GAP.recovered(Point(3.0, 0.9)) == pytest.approx(0.75)
    assert GAP.cost_share(Point(3.0, 0.9)) == pytest.approx(0.2)


def test_random_mixing_is_worth_one_half() -> None:
    mixes = [Point(1 + 10 * share, 0.6 + 0.4 * share) for share in (0.1, 0.5, 0.7)]
    assert GAP.apgr(mixes) == pytest.approx(0.5)
    assert GAP.apgr([]) == 0.5
    assert GAP.saving(mixes[1]) == pytest.approx(0)


def test_apgr_is_the_area_by_hand() -> None:
    # (0, 0) - (0.2, 0.75) - (1, 1): 0.2 * 0.75 / 2 + 0.8 * (0.75 + 1) / 2 = 0.075 + 0.7
    assert GAP.apgr([Point(3.0, 0.9)]) == pytest.approx(0.775)
    # (0, 0) - (0.2, 0.5) - (0.6, 0.5) - (1, 1): 0.05 + 0.2 + 0.3
    assert GAP.apgr([Point(7.0, 0.8), Point(3.0, 0.8)]) == pytest.approx(0.55)


@given(st.floats(0, 1), st.floats(0, 1))
def test_one_point_is_worth_half_of_its_height_over_the_line(share: float, recovered: float) -> None:
    point = Point(1 + 10 * share, 0.6 + 0.4 * recovered)
    assert GAP.apgr([point]) == pytest.approx(0.5 + (recovered - share) / 2, abs=1e-9)


def test_what_costs_more_than_the_large_model_adds_no_area() -> None:
    assert GAP.apgr([Point(12.0, 1.0)]) == 0.5


def test_the_saving_is_against_the_mix_that_is_right_as_often() -> None:
    # right as often as a mix of 75 % large, which costs 1 + 7.5
    assert GAP.saving(Point(3.4, 0.9)) == pytest.approx(1 - 3.4 / 8.5)
    assert GAP.saving(Point(2.0, 0.6)) == pytest.approx(-1)
    assert GAP.saving(Point(5.5, 1.1)) == pytest.approx(0.5)


def test_ends_that_do_not_differ_have_no_gap() -> None:
    flat = Gap(Point(1.0, 0.5), Point(2.0, 0.5))
    assert (flat.recovered(Point(1.5, 0.5)), flat.apgr([Point(1.5, 0.5)]), flat.saving(flat.small)) == (
        None,
        None,
        None,
    )


def routed_run(path: Path, **keys: Any) -> Run:
    """Four calls. Small costs $1 a call and is right about the first two, large $5 and always right.

    The classifier scores 0.9, 0.1, 0.8, 0.3 and asks large from 0.5 on; the cascade escalates the last two
    and pays for both answers.
    """
    scores = (0.9, 0.1, 0.8, 0.3)
    rows: dict[str, list[dict[str, Any]]] = {"calls": [], "attempts": [], "ledger": []}

    def add(subject: str, n: int, tiers: tuple[str, ...], **facts: Any) -> None:
        id_ = f"c{n}"
        right = tiers[-1] == "large" or n < 2
        route = {"route_policy": subject, "route_tier": tiers[-1], "route_rank": int(tiers[-1] == "large")}
        rows["calls"].append(call(id_, subject=subject, n=n, answer_right=right, **route, **facts))
        for k, tier in enumerate(tiers, 1):
            paid = {"subject": subject, "cost_nusd": (5 if tier == "large" else 1) * 10**9}
            kind = "escalate" if k > 1 else "primary"
            rows["attempts"].append(attempt(f"{id_}/{k}", kind=kind, **paid))
            rows["ledger"].append(ledger_row(f"{id_}/{k}", **paid))

    for n in range(4):
        add("small", n, ("small",))
        add("large", n, ("large",))
        add("heuristic", n, ("large" if scores[n] >= 0.5 else "small",), route_score=scores[n])
        add("cascade", n, ("small",) if n < 2 else ("small", "large"), escalated=n >= 2)
    return run_of(path, **rows, subjects=NAMES, **keys)


def relative(subjects: list[Facts]) -> dict[str, dict[str, Any]]:
    measured = {facts.subject: subject_metrics(facts, subjects) for facts in subjects}
    return {name: {metric: of[metric] for metric in RELATIVE} for name, of in measured.items()}


def test_a_run_tells_what_each_router_recovers(tmp_path: Path) -> None:
    subjects = list(subject_facts(routed_run(tmp_path)).values())
    assert gap_of(subjects) == Gap(Point(1000.0, 0.5), Point(5000.0, 1.0))
    found = relative(subjects)
    assert found["small"] == found["large"] == dict.fromkeys(RELATIVE)
    # the cascade: 4 small + 2 large = $14, all right: cost share (3500 - 1000) / 4000
    assert found["cascade"] == pytest.approx(
        {"gap_recovered": 1.0, "apgr": 0.5 + (1 - 0.625) / 2, "saving_at_equal_quality": 1 - 3500 / 5000}
    )
    # the classifier: calls 0 and 2 at large, $12, three right
    assert found["heuristic"]["gap_recovered"] == pytest.approx(0.5)
    assert found["heuristic"]["saving_at_equal_quality"] == pytest.approx(0)


def test_a_score_is_judged_by_all_thresholds(tmp_path: Path) -> None:
    subjects = list(subject_facts(routed_run(tmp_path)).values())
    curve = curve_of(subjects[2], subjects)
    # large gets call 0, then 2, then 3 as well: right about 2, 3, 4 of four
    assert curve == [Point(2000.0, 0.5), Point(3000.0, 0.75), Point(4000.0, 1.0)]
    # PGR 0, 0, 0.5, 1, 1 at cost shares 0, 0.25, 0.5, 0.75, 1: (0 + 0.5 + 1.5 + 2) / 8
    assert relative(subjects)["heuristic"]["apgr"] == pytest.approx(0.5)


def test_calls_of_one_score_move_together(tmp_path: Path) -> None:
    run = routed_run(tmp_path)
    run.calls.loc[run.calls["subject"] == "heuristic", "route_score"] = 0.5
    subjects = list(subject_facts(run).values())
    assert curve_of(subjects[2], subjects) == []


def test_shares_of_tiers_and_escalations_are_counted(tmp_path: Path) -> None:
    facts = subject_facts(routed_run(tmp_path))
    measured = {name: subject_metrics(of) for name, of in facts.items()}
    assert [measured[name]["routed_small_rate"] for name in NAMES] == [
        Rate(4, 4),
        Rate(0, 4),
        Rate(2, 4),
        Rate(2, 4),
    ]
    assert measured["cascade"]["escalation_rate"] == Rate(2, 4)
    assert measured["heuristic"]["escalation_rate"] is None
    assert measured["cascade"]["tier_share"] == {"large": 0.5, "small": 0.5}


def test_the_rejected_small_answers_are_wasted_money(tmp_path: Path) -> None:
    assert summarise(routed_run(tmp_path)).value("cascade", "wasted_usd") == 2.0


def test_a_claim_can_be_about_what_lies_between_subjects(tmp_path: Path) -> None:
    claim = {"text": "t", "subject": "cascade", "metric": "saving_at_equal_quality", "expected": ">= 0.3"}
    [judged] = summarise(routed_run(tmp_path, claims=[claim])).claims
    assert judged.verdict == "confirmed"
    assert judged.observed == pytest.approx(0.3)


def test_the_figure_has_a_point_for_each_subject(tmp_path: Path) -> None:
    run = routed_run(tmp_path)
    with page_style():
        drawing = routing(list(subject_facts(run).values()))
    assert drawing is not None
    assert [key.label for key in drawing.keys] == [*NAMES, "random mixing"]
    for role in ("s0", "s1", "s2", "s3"):
        assert f"var(--{role})" in drawing.wide


def test_a_run_without_both_ends_has_no_such_figure_and_nothing_measured(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call()], [attempt()], [ledger_row()])
    subjects = list(subject_facts(run).values())
    with page_style():
        assert routing(subjects) is None
    assert set(relative(subjects)["full"].values()) == {None}
