"""Shared by all tests: property tests repeat from fixed seeds in CI."""

import os

from hypothesis import settings

from tests.sdks.versions_told import pytest_terminal_summary  # noqa: F401  # a hook: pytest finds it here

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
