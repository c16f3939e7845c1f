"""A server in a child process that never outlives its parent.

The child prints one JSON line with its URLs when it is ready, and stops when its standard input closes, which
happens even if the parent is killed. The code is synchronous, so it also works under gevent.
"""

import contextlib
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from harness.errors import InputError, RunFailed

from .isolation import child_env, python

READY_WITHIN_S = 30.0
STOPS_WITHIN_S = 5.0


class ChildServer:
    """`brownout ARGS --json --until-stdin-closes`, started at construction; `ready` is the printed JSON.

    Raises InputError with the child's last line when it refuses its input, RunFailed when it breaks.
    """

    def __init__(self, args: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._name = args[0]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*python("harness"), *args, "--json", "--until-stdin-closes"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=child_env(env),
                start_new_session=True,  # the parent handles Ctrl-C, and stops the child later
            )
        try:
            self.ready: dict[str, Any] = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise RunFailed if the child has ended."""
        code = self._process.poll()
        if code is not None:
            raise RunFailed(f"{self._name}: the process ended early with code {code}; its log is {self._log}")

    def stop(self) -> None:
        """Stop the child, and kill it after a timeout. A second call does nothing."""
        for handle in (self._process.stdin, self._process.stdout):
            if handle is not None:
                with contextlib.suppress(OSError):
                    handle.close()
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_ready(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], READY_WITHIN_S)
        line = stdout.readline() if readable else b""
        if not line:
            raise self._did_not_start()
        ready: dict[str, Any] = orjson.loads(line)
        return ready

    def _did_not_start(self) -> InputError | RunFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        lines = self._log.read_text(errors="replace").strip().splitlines()
        if self._process.returncode == 2 and lines:
            return InputError(lines[-1].removeprefix("brownout: "))
        detail = lines[-1] if lines else f"not ready within {READY_WITHIN_S:g} s"
        return RunFailed(f"{self._name}: the process did not start ({detail}); its log is {self._log}")
