"""Runs the checks in another interpreter against a mock in this process, and collects the results."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from mock_providers import serve
from tests.paths import ROOT
from tests.sdks.mocks import app

LONGEST_S = 60.0
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`failures`: by check, a traceback or None."""

    versions: dict[str, str]
    failures: dict[str, str | None]

    def major(self, package: str) -> int:
        """The major version of a package."""
        return int(self.versions[package].partition(".")[0])

    def judge(self, check: str) -> None:
        """Fail the test if the check failed."""
        if failure := self.failures[check]:
            pytest.fail(failure, pytrace=False)

    def __str__(self) -> str:
        passed = sum(failure is None for failure in self.failures.values())
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return f"{versions}: {passed} of {len(self.failures)} checks passed"


def outcomes_with(python: str | Path) -> Outcomes:
    """Serve a mock and run the checks with the SDKs of this interpreter."""
    lines = asyncio.run(_reported(str(python)))
    versions, *checks = map(json.loads, lines)
    return Outcomes(versions, {line["check"]: line["failure"] for line in checks})


async def _reported(python: str) -> list[str]:
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app(), on_ready=urls.set_result, stop=stop))
    try:
        return await _run(python, await urls)
    finally:
        stop.set()
        await serving


async def _run(python: str, urls: dict[str, str]) -> list[str]:
    """The lines that the program prints; raises RuntimeError with its standard error if there is any."""
    command = [python, "-W", "error", "-m", "tests.sdks.conformance", json.dumps(urls)]
    program = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=_environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            out, complaints = await program.communicate()
    except TimeoutError:
        program.kill()
        await program.communicate()
        raise RuntimeError(f"{python}: the checks were not done within {LONGEST_S:g} s") from None
    if program.returncode or complaints:
        raise RuntimeError(f"{python}: exit code {program.returncode}: {complaints.decode()}")
    return out.decode().splitlines()


def _environment() -> dict[str, str]:
    """This process's environment without variables that affect an SDK or the other interpreter."""
    steering = ("OPENAI_", "ANTHROPIC_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}
