"""`reports` exports what users need, and loads it on first use."""

import subprocess
import sys
from pathlib import Path

import pytest

import reports
from tests.reports.synthetic import outage_run


@pytest.mark.parametrize("name", reports.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(reports, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        reports.analyze  # noqa: B018


def test_a_run_directory_is_enough_for_summary_and_report(tmp_path: Path) -> None:
    outage_run(tmp_path, calls=60)
    analysis = reports.analyse(reports.read_run(tmp_path))
    assert reports.read_summary(reports.write_summary(tmp_path)) == analysis.summary
    assert reports.write_report(tmp_path).read_bytes() == reports.write_report(analysis).read_bytes()
    assert analysis.summary.value("full", "success_rate") == 1.0


def test_reading_a_record_does_not_load_the_plotting_library() -> None:
    program = "import sys, reports; reports.read_run; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
