"""A gateway that was killed in the middle of a call goes on with the budget that it had."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.processes import WITHIN_S, brownout, run, started

BUDGET = """
[[budget]]
period = "month"
hard_usd = "0.01"
[[target]]
provider = "openai"
model = "gpt-4o"
"""
PRICE_NUSD = 10_000
"""Of one token of output."""


def accounts(state: Path) -> list[int]:
    """Reserved and spent nano-dollars, as the last line says."""
    key, fields = json.loads(state.read_bytes().splitlines()[-1])
    assert key == "budget/month-1"
    return list(fields[1:])


def body(tokens: int, most: int) -> dict[str, Any]:
    message = {"role": "user", "content": f"Tell me something, in about {tokens} tokens."}
    return {"model": "any", "messages": [message], "max_tokens": most, "stream": True}


@contextmanager
def served(folder: Path, *args: str, **env: str) -> Iterator[tuple[dict[str, str], Any]]:
    with started(brownout(*args, "--json"), folder, env) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process


def test_money_spent_and_reserved_before_a_kill_counts_after_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(BUDGET)
    state = tmp_path / "budgets.jsonl"
    gateway = ("gateway", "mine.toml", "--state", str(state))
    with served(tmp_path, "mock") as (urls, _):
        env = {"OPENAI_BASE_URL": urls["openai"], "OPENAI_API_KEY": "any"}
        with served(tmp_path, *gateway, **env) as (ready, process):
            url = f"{ready['url']}/chat/completions"
            assert httpx.post(url, json=body(20, 30), timeout=WITHIN_S).status_code == 200
            reserved_nusd, spent_nusd = accounts(state)
            assert reserved_nusd == 0
            assert 20 * PRICE_NUSD < spent_nusd < 30 * PRICE_NUSD
            with httpx.stream("POST", url, json=body(600, 700), timeout=WITHIN_S) as reply:
                assert reply.status_code == 200, reply.read()
                lines = reply.iter_lines()  # held: a dropped generator hangs up
                next(lines)
                os.kill(process.pid, signal.SIGKILL)
                process.wait(WITHIN_S)
        reserved_nusd, still_nusd = accounts(state)
        assert reserved_nusd > 700 * PRICE_NUSD
        assert still_nusd == spent_nusd
        with served(tmp_path, *gateway, **env) as (ready, process):
            assert accounts(state) == [0, spent_nusd + reserved_nusd]
            url = f"{ready['url']}/chat/completions"
            refused = httpx.post(url, json=body(20, 300), timeout=WITHIN_S)
            assert (refused.status_code, "dollars a month" in refused.text) == (429, True)
            assert httpx.post(url, json=body(20, 30), timeout=WITHIN_S).status_code == 200
            second = run(brownout(*gateway), tmp_path, env)
            assert second.returncode == 2
            assert "another process has it open" in second.stderr
            assert second.stderr.count("\n") == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
