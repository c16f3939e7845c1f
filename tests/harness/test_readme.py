"""What the README shows works as shown."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.spec.scenario import load_scenario
from harness.spec.subjects import load_subjects
from harness.stack.assembly.options import StackOptions
from mock_providers import load_profile, load_script
from mock_providers.scripts import check_script
from tests.lab.command import play
from tests.paths import ROOT
from tests.processes import WITHIN_S

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def block(language: str, beginning: str) -> str:
    """The block that begins so."""
    (found,) = (text for text in blocks(language) if text.startswith(beginning))
    return found


def test_the_script_shown_is_a_script(tmp_path: Path) -> None:
    (tmp_path / "replies.toml").write_text(block("toml", "[[reply]]"))
    script = check_script(load_script(tmp_path / "replies.toml"), load_profile("today"))
    assert [entry.is_reply for entry in script] == [True, True, False]


def test_the_stack_shown_is_a_stack() -> None:
    text = block("toml", "[deadlines]")
    assert [t.provider for t in StackOptions.model_validate(tomllib.loads(text)).target] == [
        "openai",
        "anthropic",
    ]


def test_the_subjects_shown_are_subjects(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    head = 'title = "t"\ndescription = "d"\nduration_s = 2\narrivals = { kind = "poisson", rate_per_s = 5 }\n'
    path.write_text(head + block("toml", "[[subjects]]"))
    shown = {subject.name: subject.stack for subject in load_subjects(path, load_scenario(path))}
    assert list(shown) == ["full", "no-breaker"]
    assert shown["no-breaker"] is not None
    assert shown["no-breaker"].breaker is None


def test_the_library_example_runs_against_mock_providers(tmp_path: Path) -> None:
    [_, program] = blocks("python")
    providers = subprocess.Popen(
        [sys.executable, "-m", "harness", "mock", "--openai-port", "0", "--json", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert providers.stdin is not None
    assert providers.stdout is not None
    try:
        url = re.search(r'"openai":"([^"]+)"', providers.stdout.readline().decode())
        assert url is not None
        env = {**os.environ, "OPENAI_BASE_URL": url[1], "OPENAI_API_KEY": "any"}
        result = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    finally:
        providers.stdin.close()
        providers.wait(WITHIN_S)
        providers.stdout.close()
    assert result.returncode == 0, result.stderr
    assert "Usage(" in result.stdout
    assert "cost_nusd" in result.stdout


def test_the_client_shown_is_a_subject(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(block("toml", 'kind = "python"'))
    (tmp_path / "mine.py").write_text(blocks("python")[0])
    args = ["outage", "--engine", "virtual", "--stack", "mine.toml", "--duration", "5s"]
    assert play(tmp_path, *args)["subjects"]["mine"]["success_rate"] == 1.0


COMMANDS = sorted(set(re.findall(r"`(brownout [^`]*)`", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_and_options_shown_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    shown = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    assert all(word in shown for word in words if word.startswith("--")), shown


def test_files_the_readme_links_to_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
