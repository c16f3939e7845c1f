"""Python and uvicorn versions that were not tried are refused in one line, with the bounds of pyproject."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from harness.virtual import UntriedInterpreter, VirtualLoop, interpreter
from mock_providers import UntriedUvicorn, build_server
from mock_providers.http import uvicorn_version
from tests.lab.command import run_here
from tests.paths import ROOT


async def app(_scope: Any, _receive: Any, _send: Any) -> None:
    """An ASGI application that is never called."""


def test_pyproject_has_the_same_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (first, *_), (*_, last) = interpreter.TRIED, interpreter.TRIED
    assert project["requires-python"] == f">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"
    (first, *_), (*_, last) = uvicorn_version.TRIED, uvicorn_version.TRIED
    assert f"uvicorn>={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}" in project["dependencies"]


def test_a_virtual_loop_refuses_an_interpreter_that_was_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "TRIED", ((3, 9),))
    with pytest.raises(UntriedInterpreter, match=r"tried on CPython 3\.9 only: this is cpython 3\.1"):
        VirtualLoop()


def test_a_server_refuses_a_uvicorn_that_was_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn, "__version__", "0.540.1")
    with pytest.raises(UntriedUvicorn, match=r"tried on uvicorn 0\.54 only: 0\.540\.1 is installed"):
        build_server(app)


@pytest.mark.parametrize(
    ("where", "name", "value", "found"),
    [
        (uvicorn, "__version__", "1.0.0", "1.0.0 is installed"),
        (sys.implementation, "name", "pypy", "this is pypy"),
    ],
)
def test_the_command_line_refuses_them_at_start_in_one_line(
    where: Any, name: str, value: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(where, name, value)
        result = run_here(tmp_path, "list")
    assert (result.returncode, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("brownout: ")
    assert found in line
