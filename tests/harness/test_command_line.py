"""The command line as a whole: its version, its help, its completion."""

import re
from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from harness.cli import app

COMMANDS = ("run", "mock", "gateway", "record", "calibrate", "list")


def help_of(*args: str) -> str:
    result = CliRunner().invoke(app, [*args, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0
    return result.output


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert re.fullmatch(rf"brownout {re.escape(version('brownout'))}, Python 3\.\d+\.\d+\n", result.output)


def test_every_command_is_listed() -> None:
    assert tuple(get_command(app).commands) == COMMANDS  # type: ignore[attr-defined]  # a group


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns_and_shows_no_type_beside_a_flag(command: str) -> None:
    text = help_of(*command.split())
    assert max(map(len, text.splitlines())) <= 80
    assert "<bool>" not in text


def test_shells_complete_commands() -> None:
    env = {"_BROWNOUT_COMPLETE": "complete_bash", "COMP_WORDS": "brownout ", "COMP_CWORD": "1"}
    result = CliRunner().invoke(app, [], prog_name="brownout", env=env)
    assert set(COMMANDS) <= set(result.output.split())
