import re
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from reports.analysis.analyse import subject_facts
from reports.metrics.providers import peak_arrivals_per_s
from reports.page.figures import Drawing, draw
from reports.page.figures.arrivals import arrivals
from reports.page.figures.canvas import page_style
from reports.page.figures.time_axis import bin_width_s
from reports.page.figures.timeline import timeline
from reports.record.run import Run
from tests.reports.synthetic import call, failed_call, ledger_row, outage_run, run_of


def drawings(run: Run) -> dict[str, Drawing]:
    return draw(list(subject_facts(run).values()), run.manifest)


def pictures_of(drawn: dict[str, Drawing]) -> list[str]:
    return [picture for drawing in drawn.values() for picture in (drawing.wide, drawing.narrow)]


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return outage_run(tmp_path_factory.mktemp("run"), calls=120)


@pytest.fixture(scope="module")
def drawn(outage: Run) -> dict[str, Drawing]:
    """The figures of the outage, drawn once."""
    return drawings(outage)


@pytest.fixture(scope="module")
def outage_pictures(drawn: dict[str, Drawing]) -> list[str]:
    return pictures_of(drawn)


def test_the_same_run_draws_the_same_bytes_whatever_was_drawn_or_set_before(
    outage: Run, outage_pictures: list[str]
) -> None:
    """Nor does drawing change matplotlib's settings."""
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "pink", "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert pictures_of(drawings(outage)) == outage_pictures
        assert dict(mpl.rcParams) == before


def test_every_figure_is_well_formed_svg_that_names_itself_and_no_date(outage_pictures: list[str]) -> None:
    for picture in outage_pictures:
        root = ET.fromstring(picture)
        assert root.tag == "svg"
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("width") is None
        assert "metadata" not in picture
        assert not re.search(r"https?:", picture)


def test_colours_come_from_the_page_so_that_light_and_dark_both_work(outage_pictures: list[str]) -> None:
    for picture in outage_pictures:
        assert "var(--" in picture
        assert re.findall(r"(?:fill|stroke): ?#(?:[0-9a-f]{6})", picture) == []
        for element in ET.fromstring(picture).iter("text"):
            assert "fill: var(--" in (element.get("style") or ""), element.text


def test_ids_of_different_figures_do_not_collide_and_references_resolve(outage_pictures: list[str]) -> None:
    seen: set[str] = set()
    for picture in outage_pictures:
        ids = set(re.findall(r'\bid="([^"]+)"', picture))
        assert not ids & seen
        assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', picture)) <= ids
        seen |= ids


def test_the_timeline_names_its_fault_and_keys_every_kind_of_error(drawn: dict[str, Drawing]) -> None:
    shown = drawn["timeline"]
    assert "OpenAI outage" in shown.wide
    labels = [key.label for key in shown.keys]
    assert labels == [
        "offered",
        "naive: answered",
        "full: answered",
        "server error (5xx)",
        "stream truncated",
        "fault active",
    ]


def test_rare_kinds_of_error_share_a_colour(tmp_path: Path) -> None:
    kinds = ["connect", "timeout_total", "overloaded", "auth", "in_band", "malformed", "truncated"]
    calls = [failed_call(f"c{i}", error_kind=kind) for i, kind in enumerate(kinds)]
    run = run_of(tmp_path, calls)
    with page_style():
        keys = timeline(list(subject_facts(run).values()), run.manifest).keys
    assert [key.label for key in keys][-1] == "other"
    assert len([key for key in keys if key.role.startswith("e")]) == 5


def test_a_subject_keeps_its_colour_in_every_figure(drawn: dict[str, Drawing]) -> None:
    roles: dict[str, set[str]] = {"naive": set(), "full": set()}
    for drawing in drawn.values():
        for key in drawing.keys:
            for name, found in roles.items():
                if key.label.startswith(name):
                    found.add(key.role)
    assert roles == {"naive": {"s0"}, "full": {"s1"}}


def test_the_providers_own_arrivals_are_shown_with_the_fullest_second_of_each_subject(
    outage: Run, drawn: dict[str, Drawing]
) -> None:
    shown = drawn["arrivals"]
    assert "OpenAI outage" in shown.wide
    assert [key.label for key in shown.keys] == [
        "calls planned",
        "OpenAI",
        "Anthropic",
        "fault active",
    ]
    for facts in subject_facts(outage).values():
        assert f"at most {peak_arrivals_per_s(facts)} within 1 s" in shown.wide


def test_arrivals_after_the_end_of_the_plan_are_in_the_picture(tmp_path: Path) -> None:
    late = [ledger_row("c0/2", received_s=49.5)]
    run = run_of(tmp_path, [call()], [], late, duration_s=30.0)
    with page_style():
        drawn = arrivals(list(subject_facts(run).values()), run.manifest)
    assert drawn is not None
    assert "40 s" in drawn.wide


def test_without_a_request_there_is_nothing_to_show_of_the_providers(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call()])
    with page_style():
        assert arrivals(list(subject_facts(run).values()), run.manifest) is None


@pytest.mark.parametrize(
    ("duration_s", "width_s"),
    [(1, 1), (30, 1), (75, 2), (300, 5), (3600, 60), (86_400, 1800), (600_000, 10_800)],
)
def test_bins_widen_with_the_run(duration_s: float, width_s: float) -> None:
    assert bin_width_s(duration_s) == width_s
    assert duration_s / width_s <= 72


def test_a_long_crowded_run_stays_a_small_picture(tmp_path: Path) -> None:
    calls = [
        call(
            f"c{n}",
            planned_s=n * 0.6,
            started_s=n * 0.6,
            first_s=n * 0.6 + 0.3 + n % 97 / 100,
            end_s=n * 0.6 + 2,
        )
        for n in range(6000)
    ]
    assert (
        max(len(picture) for picture in pictures_of(drawings(run_of(tmp_path, calls, duration_s=3600.0))))
        < 150_000
    )
