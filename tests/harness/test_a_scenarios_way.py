"""A scenario's way from the command line to the report: which rooms it passes, in which order.

The rooms that lead a run are commands, spec and runs. Each call from them into a room that is not already
open is a step; what that room calls in turn (the world plays the plan, the analysis computes metrics) belongs
to the step, and so do further calls into the same room before the next step. Reading a property is no step.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from typer.testing import CliRunner

import harness.commands.console
import harness.commands.seeds
import harness.runs.run
import harness.world.virtual_world  # noqa: F401  # imported before the walk begins
from harness.cli import app
from tests.paths import ROOT

SCENARIO = """
title = "Calm"
description = "Nothing breaks."
engine = "virtual"
duration_s = 3
subjects = [{ name = "mine", base = "naive" }]
arrivals = { kind = "poisson", rate_per_s = 2 }
"""
LEADERS = ("harness/commands", "harness/spec", "harness/runs")
ROOMS = [
    "harness/commands",
    "harness/spec",
    "harness/stack",
    "harness/load",
    "harness/runs",
    "harness/world",
    "reports/record",
    "reports/analysis",
    "reports/page",
]
"""In the order of their first step."""


class Steps:
    """A profile function that notes each step."""

    def __init__(self) -> None:
        self.rooms: list[str] = []
        self._open: list[tuple[FrameType, str]] = []

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and self._open and self._open[-1][0] is frame:
            self._open.pop()
        elif event == "call" and (not self._open or self._open[-1][1] in LEADERS):
            room = room_of(frame.f_code.co_filename)
            if room is not None and not is_read(frame):
                entered = all(room != open_room for _, open_room in self._open)
                self._open.append((frame, room))
                if entered and self.rooms[-1:] != [room]:
                    self.rooms.append(room)


@cache
def room_of(file: str) -> str | None:
    """The folder below harness or reports that a file is in."""
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return None
    top, *folders, _ = path.relative_to(ROOT).parts
    return f"{top}/{folders[0]}" if top in ("harness", "reports") and folders else None


def is_read(frame: FrameType) -> bool:
    """Whether this is the call of a property, or of a module, class or comprehension body."""
    name = frame.f_code.co_name
    owner = type(frame.f_locals.get("self"))
    return name.startswith("<") or isinstance(getattr(owner, name, None), property)


@contextmanager
def steps() -> Iterator[Steps]:
    seen = Steps()
    sys.setprofile(seen)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def test_no_room_is_entered_more_than_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reports.page.html.render", lambda *_: "")  # drawing takes long and enters no room
    (tmp_path / "mine.toml").write_text(SCENARIO)
    with steps() as walk:
        assert CliRunner().invoke(app, ["run", "mine.toml"]).exit_code == 0
    assert list(dict.fromkeys(walk.rooms)) == ROOMS
    assert [room for room, times in Counter(walk.rooms).items() if times > 2] == [], " ".join(walk.rooms)
