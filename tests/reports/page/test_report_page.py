"""The page: one file, whole, and every number on it the run's own."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import analyse, subject_facts, summarise
from reports.page.html import render, set_names, write_report
from reports.page.sections import attempt_error_lines, error_lines
from reports.page.table import kpi_rows
from reports.record.run import RecordError, read_run
from tests.reports.synthetic import OUTAGE, attempt, call, failed_attempt, failed_call, outage_run, run_of

_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects what a reader or a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        joined = "".join(self.words).replace("\u00a0", " ").replace("\u2060", "")
        return re.sub(r"\s+", " ", joined)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return outage_run(tmp_path_factory.mktemp("outage")).path


@pytest.fixture(scope="module")
def html(run_dir: Path) -> str:
    return write_report(run_dir).read_text("utf-8")


def test_the_page_fetches_nothing_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert {tag for tag, _ in page.tags} & {
        "script",
        "link",
        "iframe",
        "img",
        "object",
        "embed",
        "base",
    } == set()
    references = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("src", "href")]
    assert all(value is not None and value.startswith("#") for value in references)
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert re.findall(r"@import|url\((?!#)", html) == []


def test_ids_on_the_page_are_unique(html: str) -> None:
    ids = [attrs["id"] for _, attrs in Page(html).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_number_of_the_table_is_on_the_page(html: str, run_dir: Path) -> None:
    text = Page(html).text
    for row in kpi_rows(summarise(read_run(run_dir))):
        assert row.label in text
        for cell in row.cells:
            assert cell.text in text
            assert cell.interval is None or cell.interval in text


def test_the_verdict_comes_first_and_the_numbers_before_the_pictures(html: str) -> None:
    order = [attrs["id"] for tag, attrs in Page(html).tags if tag == "section"]
    assert order == [
        "verdict",
        "claims",
        "results",
        "timeline",
        "arrivals",
        "distributions",
        "cost",
        "attempts",
        "errors",
        "accounting",
        "quality",
        "method",
    ]


def test_the_page_says_how_to_repeat_the_run_and_what_it_is_of(html: str, run_dir: Path) -> None:
    text = Page(html).text
    for part in (
        "brownout run outage --seed 7",
        "4f2c1d9",
        "brownout 0.1.0",
        "2 CPUs",
        "poisson 20/s",
        summarise(read_run(run_dir)).record_sha256,
    ):
        assert part in text


def test_claims_show_their_verdicts(html: str) -> None:
    badges = [attrs["class"] for tag, attrs in Page(html).tags if tag == "span" and "class" in attrs]
    verdicts = [badge.removeprefix("badge ") for badge in badges if badge and badge.startswith("badge ")]
    assert verdicts == ["confirmed", "confirmed", "refuted", "unmeasured"]


def test_errors_are_counted_by_kind_for_calls_and_for_attempts(tmp_path: Path) -> None:
    calls = [call("a"), call("b"), failed_call("c"), failed_call("d", error_kind="timeout_total")]
    attempts = [
        attempt("a/1"),
        failed_attempt("b/1"),
        attempt("b/2", kind="retry"),
        failed_attempt("c/1"),
        attempt("d/1", outcome="abandoned"),
    ]
    facts = list(subject_facts(run_of(tmp_path, calls, attempts)).values())
    assert [(line.label, line.cells) for line in error_lines(facts)] == [
        ("server error (5xx)", ("1 (25.0 %)",)),
        ("timeout: total", ("1 (25.0 %)",)),
    ]
    assert [(line.label, line.cells) for line in attempt_error_lines(facts)] == [
        ("server error (5xx)", ("2 (40.0 %)",)),
        ("abandoned", ("1 (20.0 %)",)),
    ]


def test_a_finished_run_renders_again_to_the_same_bytes_from_nothing_but_its_record(
    run_dir: Path, tmp_path: Path, html: str
) -> None:
    for name in ("run.json", "calls.parquet", "attempts.parquet", "ledger.parquet"):
        (tmp_path / name).write_bytes((run_dir / name).read_bytes())
    assert write_report(tmp_path).read_text("utf-8") == html


def test_a_partial_run_is_rendered_and_marked(tmp_path: Path) -> None:
    run = outage_run(tmp_path, calls=40, status="partial", status_reason="stopped by Ctrl-C after 12 s")
    text = Page(render(analyse(run))).text
    assert "PARTIAL RUN" in text
    assert "DEGRADED: partial run: stopped by Ctrl-C after 12 s" in text


def test_an_empty_run_is_rendered_as_invalid_and_draws_nothing(tmp_path: Path) -> None:
    page = Page(render(analyse(run_of(tmp_path, [], subjects=("naive", "full")))))
    assert "INVALID" in page.text
    assert "Nothing can be concluded from this run." in page.text
    assert "svg" not in {tag for tag, _ in page.tags}


@pytest.mark.parametrize("count", [1, 6])
def test_one_to_six_subjects_have_a_page(count: int, tmp_path: Path) -> None:
    names = ["naive", "retry", "fallback", "limiter", "cache", "full"][:count]
    page = Page(render(analyse(outage_run(tmp_path, calls=40, subjects=names))))
    heads = [
        tag for tag, attrs in page.tags if tag == "span" and attrs.get("style") == f"--c: var(--s{count - 1})"
    ]
    assert heads
    assert all(name in page.text for name in names)


def _only_failures() -> list[dict[str, Any]]:
    return [failed_call("c0"), failed_call("c1", error_kind=None)]


def _only_dropped() -> list[dict[str, Any]]:
    return [call(outcome="dropped", started_s=None, first_s=None, end_s=None, chunk_s=[])]


def _unstreamed() -> list[dict[str, Any]]:
    return [call(stream=False, first_s=None, chunk_s=[], output_tokens=0)]


@pytest.mark.parametrize("calls", [_only_failures(), _only_dropped(), _unstreamed()])
def test_odd_runs_have_a_page(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    Page(render(analyse(run_of(tmp_path, calls, faults=OUTAGE["faults"]))))


def test_what_a_scenario_says_is_shown_as_text_and_never_as_markup(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & \"co\""
    run = run_of(
        tmp_path,
        [call(subject="a<b>&"), failed_call("c1", subject="a<b>&", error_kind="<i>odd</i>")],
        subjects=("a<b>&",),
        title=evil,
        description=evil,
        command=evil,
        faults=[{"kind": "<u>", "provider": evil, "from_s": 0.0, "to_s": 5.0}],
        claims=[{"text": evil, "subject": "a<b>&", "metric": "success_rate", "expected": ">= 0"}],
    )
    page = Page(render(analyse(run)))
    assert {"script", "i", "u", "b"} & {tag for tag, _ in page.tags} == set()
    assert evil in page.text


def test_names_are_set_as_code_and_numbers_stay_with_their_units() -> None:
    assert set_names("`full` took <1 s (99.4–100 %)", ["full"]) == (
        "<code>full</code> took &lt;1&nbsp;s (99.4–&#8288;100&nbsp;%)"
    )


def test_what_is_not_a_run_directory_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="not a run directory"):
        write_report(tmp_path / "nowhere")
