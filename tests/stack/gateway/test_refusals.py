"""Refusals of our own, at the gateway over a built stack: status, code and retry-after of each."""

import asyncio
from typing import Any

import pytest

from harness.stack.state.backend import Change, MemoryBackend
from tests.lab.lab import CHAIN, Lab, play, target
from tests.lab.received import Received

CALLS = 40
OUTAGE = [{"kind": "outage", "to_s": 600}]


class SlowBackend(MemoryBackend):
    """State behind a slow network: each read takes 100 ms."""

    async def update(self, key: str, change: Change[Any]) -> Any:
        await asyncio.sleep(0.1)
        return await super().update(key, change)


async def last_of_many(lab: Lab) -> Received:
    """The response to the last of many calls, one a second."""
    for n in range(CALLS):
        response = await lab.ask_gateway(Received(), f"c{n}")
        await asyncio.sleep(1.0)
    return response


def test_shed_load_is_503_with_retry_after() -> None:
    async def scene(lab: Lab) -> None:
        response = await last_of_many(lab)
        assert response.last["error"]["code"] == "rejected_throttled"
        assert response.last["error"]["type"] == "rejected"
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert response.headers["x-should-retry"] == "false"
        assert lab.facts[-1].attempts == []

    play(scene, target=[target("openai")], throttle={"k": 1}, faults=OUTAGE)


def test_load_shed_at_every_target_is_503_with_retry_after() -> None:
    async def scene(lab: Lab) -> None:
        response = await last_of_many(lab)
        assert response.last["error"]["code"] == "all_providers_failed"
        assert response.last["error"]["message"].count("dropped before sending") == len(CHAIN)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert lab.facts[-1].attempts == []

    play(scene, target=CHAIN, throttle={"k": 1}, faults=OUTAGE)


@pytest.mark.parametrize("chain", [CHAIN[:1], CHAIN], ids=["one target", "every target"])
def test_open_breakers_are_503_with_the_shortest_cooldown_as_retry_after(chain: Any) -> None:
    """One target is asked all the same when all breakers are open, and fails too."""

    async def scene(lab: Lab) -> None:
        response = await last_of_many(lab)
        message = response.last["error"]["message"]
        assert response.last["error"]["code"] == "all_providers_failed"
        assert all(f"the breaker of {each['provider']} is open" in message for each in chain)
        assert response.status == 503
        assert 0 < int(response.headers["retry-after"]) <= 60
        assert [attempt.error_kind for attempt in lab.facts[-1].attempts] == ["overloaded"]

    play(scene, target=chain, breaker={"min_samples": 5, "open_s": 60, "jitter": 0}, faults=OUTAGE)


def test_a_deadline_that_passed_before_anything_was_sent_is_504() -> None:
    async def scene(lab: Lab) -> None:
        response = await lab.ask_gateway(Received())
        assert response.last["error"]["code"] == "rejected_deadline"
        assert (response.status, response.headers.get("retry-after")) == (504, None)
        assert lab.rows == []

    play(scene, backend=SlowBackend(), throttle={}, deadlines={"total_s": 0.05})
