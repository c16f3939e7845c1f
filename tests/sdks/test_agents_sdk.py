"""The OpenAI Agents SDK, which asks by the Responses API, unmodified against the mock.

Its environment is the one that BROWNOUT_AGENTS_ENV names (`pip install openai-agents` in it), else this one.
"""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mock_providers import serve
from tests.paths import ROOT
from tests.sdks.mocks import app

VARIABLE = "BROWNOUT_AGENTS_ENV"
LONGEST_S = 60.0


def agents_python() -> str:
    """The interpreter that has the SDK; skips when there is none."""
    if given := os.environ.get(VARIABLE):
        return str(Path(given) / "bin" / "python")
    if find_spec("agents") is None:
        pytest.skip(f"openai-agents is not installed here, and {VARIABLE} names no environment that has it")
    return sys.executable


async def findings(python: str) -> dict[str, object]:
    """All that the script reports about a mock served here."""
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app(), on_ready=urls.set_result, stop=stop))
    try:
        command = [python, "-m", "tests.sdks.agents_script", (await urls)["openai"]]
        program = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(LONGEST_S):
            out, complaints = await program.communicate()
    finally:
        stop.set()
        await serving
    assert program.returncode == 0, complaints.decode()
    found: dict[str, object] = {}
    for line in out.decode().splitlines():
        found |= json.loads(line)
    return found


def test_agents_run_tools_sessions_hand_offs_and_reasoning() -> None:
    with_tool = ["ToolCallItem", "ToolCallOutputItem", "MessageOutputItem"]
    assert asyncio.run(findings(agents_python())) == {
        "run": with_tool,
        "events": True,
        "output": True,
        "session": 6,
        "continued": True,
        "hand-off": "weather",
        "reasoning": ["ReasoningItem", *with_tool[:2], "ReasoningItem", with_tool[2]],
    }
