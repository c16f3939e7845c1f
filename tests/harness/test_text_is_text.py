"""Text that a user writes is printed as written: on the terminal, in figures, on the page, in paths.

Regression: the title "Latency p99 [ms] of" lost its "[ms]"; a claim "[/x]" was a traceback after the run.
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import app
from harness.commands import list as listing
from harness.commands.console import Progress, print_outcome
from harness.commands.terminal import bold, plain_table, print_line, terminal
from harness.errors import InputError
from harness.input_errors import one_line
from reports.analysis.analyse import Analysis, analyse
from reports.page.html import render
from reports.record.run import read_run
from tests.effort import effort
from tests.lab.command import play, run_here
from tests.paths import SCENARIOS
from tests.reports.synthetic import outage_run

NASTY = (
    "Latency p99 [ms] of",
    "[/x]",
    "[bold]b[/bold] [link=http://x]y[/link]",
    ":warning: :x:",
    r"\[a] \\ \n",
    r"$\frac{1}{2}$ 100$ and 200$",
    "<b>&amp;</b> &lt; \"q\" 'a'",
    "{{ name }} {% raw %} {# c #}",
    "`ticks` and `more",
    "_hidden ~x^2",
    'id="a" font: 3px x; url(#b) #0a0b01 <!-- c -->',
    "模型 – ∞ é",
)
SIGNS = "[]/\\:$`<>&{}%_^#~*\"'()=;!? -."
texts = st.sampled_from(NASTY) | st.text(SIGNS + "abc1é", min_size=1, max_size=24).map(str.strip).filter(bool)
quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def squeezed(text: str) -> str:
    """Runs of blanks as one, as HTML shows them; no-break spaces and joiners count as blanks."""
    return " ".join(text.replace("\u2060", "").split())


def run_with(folder: Path, text: str) -> Analysis:
    """A run in which every text of a user is `text`."""
    names = [text, f"{text} 2"]
    subject = {"title": text, "description": text, "stack": text, "via": "direct"}
    claim = {"text": text, "subject": names[1], "metric": "success_rate", "expected": ">= 0.5"}
    run = outage_run(
        folder / "run",
        60,
        subjects=names,
        title=text,
        description=text,
        scenario=text,
        command=text,
        arrivals=text,
        workload=text,
        profile=text,
        id=text,
        claims=[claim, {**claim, "metric": text}],
        faults=[{"kind": "outage", "provider": text, "from_s": 10.0, "to_s": 20.0}],
    )
    manifest = run.manifest
    subjects = tuple(each.model_copy(update=subject) for each in manifest.subjects)
    object.__setattr__(run, "manifest", manifest.model_copy(update={"subjects": subjects}))
    return analyse(run)


@pytest.fixture(scope="module", autouse=True)
def _a_pipe_of_any_width() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="module")
def analysis() -> Iterator[Analysis]:
    with TemporaryDirectory() as folder:
        yield run_with(Path(folder), "plain")


class PageText(HTMLParser):
    """The tags of a page, and its text as a browser shows it, element by element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts += [value for name, value in attrs if name in {"aria-label", "title"} and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(squeezed(data))


@settings(deadline=None, max_examples=effort(2), suppress_health_check=[HealthCheck.too_slow])
@example(NASTY[5])
@example(NASTY[6])
@example(NASTY[10])
@given(texts)
def test_page_and_figures_show_a_text_as_written_and_make_no_element_of_it(text: str) -> None:
    with TemporaryDirectory() as folder:
        plain, page = (PageText(render(run_with(Path(folder) / n, t))) for n, t in (("a", "x"), ("b", text)))
    wanted = squeezed(text)
    assert set(page.tags) == set(plain.tags)  # the number of ticks depends on the length of a name
    counts = [
        sum(each in {name, f"{name} 2"} for each in of.texts) for name, of in (("x", plain), (wanted, page))
    ]
    assert counts[0] == counts[1] > 20


@given(text=texts)
@quick
def test_the_terminal_shows_title_names_and_claims_as_written(analysis: Analysis, text: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    with TemporaryDirectory() as folder, redirect_stdout(out), redirect_stderr(err):
        with Progress(text, [text, "b"]) as progress:
            progress.tell(text, 1, 2, 1)
        print_outcome(run_with(Path(folder), text) if text in NASTY else analysis)
    assert f"{text}: {text}, b\n" in err.getvalue()
    assert f"{text}: 1 of 2 calls finished, 1 answered\n" in err.getvalue()
    if text in NASTY:
        assert f"confirmed: {text}\n" in out.getvalue()
        assert f"unmeasured: {text}\n" in out.getvalue()
        assert f"│ {text} │" in out.getvalue().replace("┃", "│").replace("  ", " ").replace("  ", " ")


@given(texts)
@quick
def test_lines_and_tables_of_every_command_are_text(text: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        print_line(terminal(), bold(text), f": {text}")
        table = plain_table(text, [text])
        table.add_row(text, text)
        terminal().print(table)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"{text}: {text}"
    assert lines[1].strip() == text.strip()
    assert sum(text in line for line in lines[2:]) == 2


@given(texts)
@quick
def test_names_in_lists_are_text(text: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_entries", lambda _: [(text, text)])
        listing.list_things(listing.Kind.PROFILES)
    assert f"  {text}  {text}\n" in out.getvalue()


@given(texts)
@quick
def test_an_error_is_one_line_with_its_text_as_written(text: str) -> None:
    assert (
        one_line(InputError(f"{text}/a  b: expected\n {text}")) == f"brownout: {text}/a  b: expected {text}"
    )


@given(texts.filter(lambda text: not text.startswith("-")))
@quick
def test_a_bad_option_is_shown_as_written(text: str) -> None:
    result = CliRunner().invoke(app, ["run", "outage", "--duration", f"no {text}"], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert repr(f"no {text}") in re.sub(r"\x1b\[[0-9;]*m", "", result.output)


FOLDER = "[red]a  b $x$ {c} %d;'&"


def test_folders_and_files_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    scenario = folder / "my [x] $s$.toml"
    scenario.write_text(
        'title = "Latency p99 [ms] of"\ndescription = "[/x]"\nengine = "virtual"\nduration_s = 2\n'
        'subjects = ["naive"]\narrivals = { kind = "poisson", rate_per_s = 5 }\n'
        '[[claims]]\ntext = "[/x] $y$"\nsubject = "naive"\nmetric = "success_rate"\nexpected = ">= 0"\n'
    )
    summary = play(folder, str(scenario), "--out", str(folder / "out [bold]"))
    assert summary["scenario"] == "my [x] $s$"
    [run] = (folder / "out [bold]").iterdir()
    assert {path.name for path in run.iterdir()} >= {"run.json", "summary.json", "report.html"}


@pytest.mark.parametrize("key", ["title", "description", "claims.0.text"])
@pytest.mark.parametrize("sign", ["\\u001b[31m", "\\u0000", "\\u0007", "\\u009b", "\\r"])
def test_control_characters_that_a_terminal_would_obey_are_refused(
    tmp_path: Path, key: str, sign: str
) -> None:
    texts = {"title": "t", "description": "two\\nlines\\tand a tab", "claims.0.text": "c"}
    texts[key] += sign
    (tmp_path / "mine.toml").write_text(
        CONTROLLED.format(texts["title"], texts["description"], texts["claims.0.text"])
    )
    ended = run_here(tmp_path, "run", "mine.toml")
    assert ended.returncode == 2
    assert ended.stderr == f"brownout: mine.toml: {key}: expected text without control characters\n"


CONTROLLED = """
title = "{}"
description = "{}"
engine = "virtual"
duration_s = 1
subjects = ["naive"]
arrivals = {{ kind = "constant", rate_per_s = 2 }}

[[claims]]
text = "{}"
subject = "naive"
metric = "success_rate"
expected = ">= 0"
"""


def test_a_path_that_is_not_utf8_is_kept_and_read_again(tmp_path: Path) -> None:
    """Arrow refused the path after the run was played; a stack's name is refused before."""
    scenario = Path(os.fsdecode(b"caf\xe9.toml"))
    (tmp_path / scenario).write_text(CONTROLLED.format("t", "d", "c"))
    ended = run_here(tmp_path, "run", str(scenario), "--out", os.fsdecode(b"\xe9"))
    assert ended.returncode == 0, ended.stderr
    [folder] = (tmp_path / os.fsdecode(b"\xe9")).iterdir()
    assert analyse(read_run(folder)).summary.valid
    (tmp_path / os.fsdecode(b"\xe9.toml")).write_text((SCENARIOS / "stacks" / "naive.toml").read_text())
    ended = run_here(tmp_path, "run", str(scenario), "--stack", os.fsdecode(b"\xe9.toml"))
    assert ended.returncode == 2
    assert "expected a file name in UTF-8" in ended.stderr
