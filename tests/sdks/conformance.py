"""All checks of all protocols, run with the SDKs of this interpreter.

`python -m tests.sdks.conformance URLS`, where URLS is a JSON object of base URLs by provider and "admin",
prints one JSON line of versions, then one per check: `{"check": name, "failure": null | traceback}`.
The checks run concurrently, so that one's backoff does not delay the others; each has its own API key.
"""

import asyncio
import json
import sys
import traceback
from importlib.metadata import version
from platform import python_version
from typing import Any

from tests.sdks.anthropic_checks import ANTHROPIC_CHECKS
from tests.sdks.error_checks import ERROR_CHECKS, FAULTS
from tests.sdks.lab import CURRENT_SDKS, Check, Lab, fetch, opened_lab
from tests.sdks.openai_checks import OPENAI_CHECKS
from tests.sdks.responses_checks import RESPONSES_CHECKS

CHECKS: dict[str, Check] = {
    **{f"openai-{name}": check for name, check in OPENAI_CHECKS.items()},
    **{f"responses-{name}": check for name, check in RESPONSES_CHECKS.items()},
    **{f"anthropic-{name}": check for name, check in ANTHROPIC_CHECKS.items()},
    **ERROR_CHECKS,
}
LONGEST_S = 30.0
AT_ONCE = 64


def versions() -> dict[str, str]:
    """Versions of Python, the SDKs and their HTTP client."""
    names = ("openai", "anthropic", "httpx2" if CURRENT_SDKS else "httpx")
    return {"python": python_version(), **{name: version(name) for name in names}}


async def run_all(urls: dict[str, str]) -> None:
    """Run every check and print its result."""
    await asyncio.to_thread(fetch, f"{urls['admin']}/_mock/faults", FAULTS)
    slots = asyncio.Semaphore(AT_ONCE)
    async with opened_lab(urls) as lab:
        report(versions())
        async with asyncio.TaskGroup() as running:
            for name, check in CHECKS.items():
                running.create_task(run_one(name, check, lab, slots))


async def run_one(name: str, check: Check, lab: Lab, slots: asyncio.Semaphore) -> None:
    """Run one check and print its result; an exception of any kind is a failure."""
    failure = None
    async with slots:
        try:
            async with asyncio.timeout(LONGEST_S):
                await check(lab.for_check(name))
        except Exception:  # noqa: BLE001  # it is the result
            failure = traceback.format_exc()
    report({"check": name, "failure": failure})


def report(line: dict[str, Any]) -> None:
    """Write one line of the report."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run_all(json.loads(sys.argv[1])))
