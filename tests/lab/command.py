"""The project's command in this process: a process of its own costs seconds of CPU for its imports alone.

Tests of signals, of children and of hash seeds start real processes instead (tests/processes.py).
"""

import io
import json
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from harness.cli import main


def run_here(home: Path, *args: str) -> CompletedProcess[str]:
    """`brownout ARGS` from the folder `home`: exit code, stdout, stderr. An unexpected error is raised."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with chdir(home), _as_command(args), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return CompletedProcess(args, code, stdout.getvalue(), stderr.getvalue())


@contextmanager
def _as_command(args: Sequence[str]) -> Iterator[None]:
    """`sys.argv` as given; afterwards the handler of SIGTERM is the one before."""
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["brownout", *args])
        yield
    signal.signal(signal.SIGTERM, on_sigterm)


def play(home: Path, *args: str) -> dict[str, Any]:
    """`brownout run ARGS --json` from the folder `home`: the summary that it printed."""
    ended = run_here(home, "run", *args, "--json")
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


class InlineExecutor(Executor):
    """Stands in for a process pool: what is submitted is pickled as for another process, and run here."""

    def __init__(self, **_options: Any) -> None:
        """Any options of a ProcessPoolExecutor; none has an effect."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it at once; the future is done when this returns."""
        future: Future[Any] = Future()
        function, args, kwargs = pickle.loads(pickle.dumps((function, args, kwargs)))
        try:
            result = pickle.loads(pickle.dumps(function(*args, **kwargs)))
        except Exception as error:  # noqa: BLE001  # a future holds any error of its function
            future.set_exception(error)
        else:
            future.set_result(result)
        return future
