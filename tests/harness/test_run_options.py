"""The options of a run are one frozen, strict value that another process can take."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.spec.run_options import RunOptions

OPTIONS = RunOptions(
    scenario="outage",
    engine="virtual",
    seed=3,
    duration_s=60,
    stacks=("naive", "full"),
    trace=Path("trace.csv"),
    incident="openai-2024-12-11",
    questions=Path("mine.csv"),
    command="brownout run outage",
)


def test_they_travel_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(OPTIONS)) == OPTIONS


def test_they_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OPTIONS.seed = 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": True},
        {"seed": "5"},
        {"seed": -1},
        {"duration_s": "60s"},
        {"duration_s": 0},
        {"colour": "red"},
    ],
)
def test_they_are_strict(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        RunOptions(scenario="outage", **wrong)
