"""Shared by all tests: property tests repeat from fixed seeds in CI; HTTP clients share TLS contexts."""

import gc
import os
import ssl
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

from tests.bytecode import share_bytecode
from tests.sdks.versions_summary import pytest_terminal_summary  # noqa: F401  # a hook: pytest finds it here

share_bytecode()
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _no_calibration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No run of a test reads the calibration of the machine that it runs on, or writes one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWNOUT_CALIBRATION", str(tmp_path_factory.mktemp("calibration") / "none.json"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _clients_share_tls_contexts() -> Iterator[None]:
    """Every client of the SDKs and of httpx reads all CA certificates, 20 ms of CPU, for plain HTTP here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


LONG = tuple(f"tests/{name}/" for name in ("harness", "chaos", "parity", "sdks", "browser", "recipes"))
"""Folders with files that take a worker many seconds each."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files come first, so that no worker is left alone with one at the end; slow tests are skipped
    unless `-m` asks for them."""
    if not config.option.markexpr:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: runs with -m slow"))
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """Eight thousand tests and their modules stay to the end: the garbage collector need not visit them."""
    gc.collect()
    gc.freeze()
