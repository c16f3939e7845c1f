"""How child processes are started: nothing of the user's working directory or settings reaches them.

`-P` keeps the working directory out of the children's module path, where a user's own package called
`reports` or `scenarios` would take the place of ours.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds this project's packages."""


def python(module: str) -> list[str]:
    """The beginning of a command that runs a module of this project or of its dependencies."""
    return [sys.executable, "-P", "-m", module]


def child_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: this process's, in a checkout with this project's packages first."""
    env = {**os.environ, **(extra or {})}
    if "site-packages" not in ROOT.parts:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return env


def locust_env(home: Path) -> dict[str, str]:
    """The environment of the inner Locust: no settings of the user's, neither LOCUST_* nor ~/.locust.conf."""
    env = {name: value for name, value in child_env().items() if not name.startswith("LOCUST_")}
    return {**env, "HOME": str(home)}
