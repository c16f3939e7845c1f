"""The end of a test run says which SDKs were really run, so that a skip cannot pass for a success."""

from typing import Any

PROPERTY = "sdks"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each generation; properties of reports reach the controller of pytest-xdist too."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == PROPERTY:
                terminalreporter.write_line(f"SDKs: {value}")
