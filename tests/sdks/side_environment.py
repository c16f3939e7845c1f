"""A virtual environment with the previous generation of the SDKs, made once per test session."""

import fcntl
import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

WANTED = ("openai>=2,<3", "anthropic>=0.60,<1")
VARIABLE = "BROWNOUT_SIDE_ENV"
"""Environment variable: the folder of an existing environment, used unchanged."""
LONGEST_S = 50.0

_HAS_PIP = find_spec("pip") is not None  # making the environment takes seconds longer with a pip inside


class CannotInstall(Exception):
    """The SDKs cannot be installed from an index; one line."""


def side_python(shared: Path) -> Path:
    """The interpreter of the side environment, which is made under `shared` unless it is there.

    Processes that share the folder wait for one another. Raises CannotInstall.
    """
    if given := os.environ.get(VARIABLE):
        return _python_of(Path(given))
    place = shared / "side-environment"
    ready = shared / "side-environment.ready"
    with (shared / "side-environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            venv.create(place, clear=True, with_pip=not _HAS_PIP)
            _install(_python_of(place))
            ready.touch()
    return _python_of(place)


def shared_folder(base_temp: Path) -> Path:
    """The folder that all workers of a test session share: pytest-xdist gives each one a folder inside."""
    return base_temp.parent if "PYTEST_XDIST_WORKER" in os.environ else base_temp


def _python_of(place: Path) -> Path:
    return place / "bin" / "python"


def _install(python: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if _HAS_PIP else [str(python), "-m", "pip"]
    command = [*pip, "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-compile", "--retries", "1", *WANTED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"pip install {' '.join(WANTED)}: not done within {LONGEST_S:g} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CannotInstall(f"pip install {' '.join(WANTED)}: {last}")
