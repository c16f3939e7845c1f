"""Processes of the tests share compiled modules where the environment keeps `__pycache__` out of the sources.

With PYTHONDONTWRITEBYTECODE each command in a process of its own compiles about 900 modules, 3 s of CPU. The
cache is beside pytest's own, which git ignores.
"""

import os
import sys

from tests.paths import ROOT

CACHE = ROOT / ".pytest_cache" / "bytecode"


def share_bytecode() -> None:
    """Let this process and its children use `CACHE`, unless bytecode is written beside the sources anyway."""
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(CACHE)
        os.environ["PYTHONDONTWRITEBYTECODE"] = ""
        os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE)
