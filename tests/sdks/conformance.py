"""All checks of all protocols, and the program that runs them with the SDKs of its interpreter.

`python -m tests.sdks.conformance URLS`, URLS being a JSON object of base URLs by provider and "admin", prints
one JSON line of versions, then one for each check: `{"check": name, "failure": null | traceback}`.
The checks run at once, so that the backoff of one passes while others work; each has a key of its own.
"""

import asyncio
import json
import sys
import traceback
from importlib.metadata import version
from platform import python_version
from typing import Any

from tests.sdks.anthropic_checks import ANTHROPIC_CHECKS
from tests.sdks.bench import TODAY, Check, Lab, fetched, opened_lab
from tests.sdks.error_checks import ERROR_CHECKS, FAULTS
from tests.sdks.openai_checks import OPENAI_CHECKS

CHECKS: dict[str, Check] = {
    **{f"openai-{name}": check for name, check in OPENAI_CHECKS.items()},
    **{f"anthropic-{name}": check for name, check in ANTHROPIC_CHECKS.items()},
    **ERROR_CHECKS,
}
LONGEST_S = 30.0
AT_ONCE = 64


def versions() -> dict[str, str]:
    """What is being tested."""
    names = ("openai", "anthropic", "httpx2" if TODAY else "httpx")
    return {"python": python_version(), **{name: version(name) for name in names}}


async def run_all(urls: dict[str, str]) -> None:
    """Run every check and tell how it went."""
    await asyncio.to_thread(fetched, f"{urls['admin']}/_mock/faults", FAULTS)
    turnstile = asyncio.Semaphore(AT_ONCE)
    async with opened_lab(urls) as lab:
        tell(versions())
        async with asyncio.TaskGroup() as running:
            for name, check in CHECKS.items():
                running.create_task(run_one(name, check, lab, turnstile))


async def run_one(name: str, check: Check, lab: Lab, turnstile: asyncio.Semaphore) -> None:
    """Run one check and tell how it went, whatever it raises."""
    failure = None
    async with turnstile:
        try:
            async with asyncio.timeout(LONGEST_S):
                await check(lab.for_check(name))
        except Exception:  # noqa: BLE001  # it is the result
            failure = traceback.format_exc()
    tell({"check": name, "failure": failure})


def tell(line: dict[str, Any]) -> None:
    """One line of the report."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run_all(json.loads(sys.argv[1])))
