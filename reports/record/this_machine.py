"""The machine on which a record is written, and on which a calibration depends."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .machine import Machine

VERSIONS_OF = ("brownout", "locust", "gevent")
_CPUINFO = Path("/proc/cpuinfo")


def this_machine() -> Machine:
    """The machine on which this process runs."""
    return Machine(
        cpu_model=_cpu_model(),
        cpus=_cpus(),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: version_of(name) for name in VERSIONS_OF},
    )


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution; None when there is none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    """The model's name on Linux; elsewhere what Python knows."""
    try:
        lines = _CPUINFO.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine() or "unknown"


def _cpus() -> int:
    """CPUs that this process may use: a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
