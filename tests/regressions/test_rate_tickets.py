"""Bugs about what a rate limit lets through: too much, counted too late, or never again."""

import asyncio
from typing import Any

import pytest

from harness.stack.state.backend import Change, MemoryBackend, R
from mock_providers import LedgerRow
from tests.lab.lab import TTFT_S, Lab, play, target
from tests.lab.received import Received

CALLS = 60
TOKENS = 100
"""Tokens that each call counts: OpenAI counts max_tokens on arrival where that is more than the prompt."""
TPM = 12_000
BURST_S = 10.0
BUCKET = TPM / 60 * BURST_S
LIMITED: dict[str, Any] = {
    "target": [target("openai", limiter={"tpm": TPM, "burst_s": BURST_S, "max_wait_s": 60})],
    "models": {"openai": {"limits": {"tokens_per_min": TPM, "burst_s": BURST_S}}},
}
LAST_S = (CALLS * TOKENS - BUCKET) / (TPM / 60)
"""When a limiter that wastes nothing lets the last of the calls go."""


class FarBackend:
    """State that takes a while to reach, as on another machine: between two looks at it much may happen."""

    def __init__(self, away_s: float = 0.005) -> None:
        self.memory = MemoryBackend()
        self._away_s = away_s

    async def update(self, key: str, change: Change[R]) -> R:
        """Apply it there, and bring the answer."""
        await asyncio.sleep(self._away_s)
        answer = await self.memory.update(key, change)
        await asyncio.sleep(self._away_s)
        return answer

    def post(self, key: str, change: Change[Any]) -> None:
        """Send it there."""
        asyncio.get_running_loop().call_later(self._away_s, self.memory.post, key, change)


async def all_at_once(lab: Lab) -> None:
    """The calls, dealt out to the replicas."""
    asking = [
        lab.ask(f"c{n:02}", 5, lab.stacks[n % len(lab.stacks)], max_tokens=TOKENS) for n in range(CALLS)
    ]
    await asyncio.gather(*asking, return_exceptions=True)


def refused(lab: Lab) -> list[LedgerRow]:
    """The requests that were more than the provider allows."""
    return [row for row in lab.rows if row.status == 429]


def assert_the_limit_was_kept_and_used(lab: Lab, *, late_s: float) -> None:
    """None was refused, in no stretch of time more was sent than the limit lets through, and it was used."""
    arrived_s = [row.received_s for row in lab.rows]
    assert (refused(lab), len(arrived_s)) == ([], CALLS)
    assert {facts.outcome for facts in lab.facts} == {"success"}
    for first, since_s in enumerate(arrived_s):
        for last in range(first, CALLS):
            most = BUCKET + (arrived_s[last] - since_s) * TPM / 60
            assert (last - first + 1) * TOKENS <= most + 1e-6
    assert LAST_S - 1e-6 <= arrived_s[-1] <= LAST_S + late_s
    lab.assert_paid_exactly()


def test_replicas_together_keep_the_token_limit() -> None:
    """litellm#40291: each replica checked the tokens a minute in its own memory: together limit × replicas.

    Four replicas that share what they know send as much as one.
    """

    async def scene(lab: Lab) -> None:
        await all_at_once(lab)
        assert_the_limit_was_kept_and_used(lab, late_s=1.0)

    play(scene, replicas=4, **LIMITED)


def test_replicas_that_share_nothing_do_exceed_it() -> None:
    """litellm#40291 itself, to show that the test above could fail: four buckets are emptied at once."""

    async def scene(lab: Lab) -> None:
        await all_at_once(lab)
        at_once = [row for row in lab.rows if row.received_s == 0.0]
        assert len(at_once) == min(CALLS, 4 * BUCKET / TOKENS)
        assert len(refused(lab)) >= len(at_once) - BUCKET / TOKENS

    play(scene, replicas=4, shared=False, **LIMITED)


@pytest.mark.parametrize("far", [False, True], ids=["in memory", "far away"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_calls_that_come_at_once_do_not_all_pass_the_same_check(far: bool, replicas: int) -> None:
    """litellm#18803: the tokens left were read first and taken later; who came in between passed, too.

    With state that takes ten milliseconds to ask there is much in between.
    """
    backend = FarBackend() if far else MemoryBackend()

    async def scene(lab: Lab) -> None:
        await all_at_once(lab)
        assert_the_limit_was_kept_and_used(lab, late_s=2.0)

    play(scene, backend=backend, replicas=replicas, **LIMITED)
    memory = backend.memory if isinstance(backend, FarBackend) else backend
    assert memory.peek("limiter/openai").in_flight == 0


@pytest.mark.parametrize("limit", ["slots", "requests"])
def test_clients_that_drop_their_connection_give_their_tickets_back(limit: str) -> None:
    """tensorzero#3751: a connection that was dropped never returned its rate tickets.

    One call is let in at a time, or in a second. Those behind it hang up while they wait, the first one does
    in mid-stream: the last one goes as if they had never been there.
    """
    leaves_s = 0.9

    async def scene(lab: Lab) -> None:
        received = [Received() for _ in range(5)]
        asking = [asyncio.create_task(lab.ask_gateway(each, f"c{n}", 200)) for n, each in enumerate(received)]
        await asyncio.sleep(0.5)
        for waiting in asking[1:4]:
            waiting.cancel()
        await asyncio.sleep(leaves_s - lab.now())
        asking[0].cancel()
        await asyncio.wait(asking)
        goes_s = leaves_s if limit == "slots" else 1.0
        assert received[4].content_at_s[0] == pytest.approx(goes_s + TTFT_S)
        await lab.drain()
        assert [(row.attempt_id, row.ended) for row in lab.rows] == [
            ("c0/1", "client_closed"),
            ("c4/1", "complete"),
        ]
        outcomes = {facts.call_id: facts.outcome for facts in lab.facts}
        assert outcomes == {f"c{n}": "abandoned" for n in range(4)} | {"c4": "success"}
        assert [attempt.sent for attempt in lab.attempts] == [False, False, False, True, True]
        lab.assert_paid_exactly()

    limiter = {"concurrency": 1} if limit == "slots" else {"rpm": 60, "burst_s": 1}
    play(scene, target=[target("openai", limiter=limiter)])


@pytest.mark.parametrize("tokens", [TOKENS, TOKENS // 5], ids=["all used", "a fifth used"])
def test_streams_are_charged_when_they_begin(tokens: int) -> None:
    """envoy ai-gateway#2394: a stream was charged when it ended, so any number could begin meanwhile.

    Two streams fit. The others begin when there is room for all they may say, and what one has left unsaid
    makes room as soon as that is known.
    """
    calls, output_tpm = 6, 1_200

    async def scene(lab: Lab) -> None:
        await asyncio.gather(*(lab.ask(f"c{n}", tokens, max_tokens=TOKENS) for n in range(calls)))
        arrived_s = [row.received_s for row in lab.rows]
        assert [row.status for row in lab.rows] == [200] * calls
        assert arrived_s[:2] == [0.0, 0.0]
        if tokens == TOKENS:
            assert arrived_s[2:] == pytest.approx([5.0, 10.0, 15.0, 20.0])
        else:
            ended_s = TTFT_S + (tokens - 1) * 0.02
            assert arrived_s[2] == pytest.approx(ended_s)
            assert arrived_s[-1] < 5.0
        assert [attempt.usage_known for attempt in lab.attempts] == [True] * calls
        lab.assert_paid_exactly()

    limits = {"output_tokens_per_min": output_tpm, "burst_s": BURST_S, "reserve_max_tokens": True}
    limiter = {"output_tpm": output_tpm, "burst_s": BURST_S, "settle": "usage"}
    play(scene, target=[target("anthropic", limiter=limiter)], models={"anthropic": {"limits": limits}})
