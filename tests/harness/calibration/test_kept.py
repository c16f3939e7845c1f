"""Where a calibration is kept, and what is made of a file that is none."""

import re
from pathlib import Path

import pytest

from harness.calibration.kept import calibration_file, check_writable, keep, kept_calibration
from harness.calibration.timer import measure_timer
from harness.errors import InputError
from reports.record.this_machine import this_machine
from tests.reports.machines import calibration


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ({"BROWNOUT_CALIBRATION": "mine.json", "XDG_CACHE_HOME": "/cache"}, "mine.json"),
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/brownout/calibration.json"),
        ({"XDG_CACHE_HOME": "relative"}, "~/.cache/brownout/calibration.json"),
        ({"BROWNOUT_CALIBRATION": ""}, "~/.cache/brownout/calibration.json"),
    ],
)
def test_the_file_is_the_users_or_one_in_the_cache_folder(env: dict[str, str], path: str) -> None:
    assert calibration_file(env) == Path(path).expanduser()


def test_a_user_without_a_home_has_a_place_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert calibration_file({}).is_absolute()


def test_a_calibration_is_read_as_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "calibration.json"
    check_writable(path)
    assert not path.exists()
    keep(calibration(), path)
    assert kept_calibration(path) == calibration()
    check_writable(path)
    assert kept_calibration(path) == calibration()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"schema_version": 2}', "[]"])
def test_a_file_that_is_no_calibration_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    assert kept_calibration(path) is None
    path.write_text(text)
    assert kept_calibration(path) is None


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "calibration.json", tmp_path):
        with pytest.raises(InputError, match=re.escape(str(path))):
            check_writable(path)


def test_this_machine_is_the_same_at_each_look() -> None:
    machine = this_machine()
    assert machine.changes(this_machine()) == ()
    assert machine.cpu_model
    assert machine.versions["locust"]


def test_the_timer_is_finer_than_the_errors_that_are_judged() -> None:
    timer = measure_timer()
    assert 0.0 < timer.resolution_s < 0.001
    assert timer.sleep_late_s_p50 <= timer.sleep_late_s_p99
