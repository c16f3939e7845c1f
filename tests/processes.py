"""Commands in processes of their own, each killed with its whole group when its test is over.

Deadlines are generous: they end a hang, they do not measure. A machine under load must not fail a test.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

WITHIN_S = 90.0
"""Less than pytest's own timeout, so that the test can still say what it waited for."""
POLL_S = 0.05


@contextmanager
def started(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, stdout and stderr piped; killed at the end if it still runs."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; raises subprocess.TimeoutExpired after `WITHIN_S`."""
    with started(command, cwd, env) as process:
        stdout, stderr = process.communicate(timeout=WITHIN_S)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def brownout(*args: str) -> list[str]:
    """The project's command with these arguments."""
    return [sys.executable, "-m", "harness", *args]


def wait_until(condition: Callable[[], object], awaited: str) -> None:
    """Poll a condition of another process; TimeoutError names what was `awaited`."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {WITHIN_S:.0f} s for {awaited}")
        time.sleep(POLL_S)


def children(pid: int) -> list[int]:
    """The processes that `pid` started and has not waited for (Linux)."""
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def children_that_run(pid: int, word: str) -> list[int]:
    """The children that have an argument `word`: "mock", "gateway" or "locust" of a run."""
    found = []
    for child in children(pid):
        with suppress(OSError):
            if f"\0{word}\0" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(child)
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, in user mode and in the kernel (Linux)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")
