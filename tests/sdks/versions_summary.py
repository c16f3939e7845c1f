"""Lists the SDK versions that ran at the end of a test run, so that a skip is not taken for a success."""

from typing import Any

PROPERTY = "sdks"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write one line per SDK generation; report properties also reach the controller of pytest-xdist."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == PROPERTY:
                terminalreporter.write_line(f"SDKs: {value}")
