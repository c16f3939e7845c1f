"""While nothing can be said a stream stays alive: early headers and comments (litellm#34374)."""

import asyncio

import openai
import pytest

from tests.lab.lab import CHAIN, Lab, play
from tests.lab.received import Received

SLOW = [{"kind": "slow_first_token", "extra_s": 40.0}]
PATIENT = {"first_token_s": 100, "total_s": 100}


def beats(received: Received) -> list[float]:
    """The moments of the comments before the facts."""
    lines = zip(received.lines, received.at_s, strict=True)
    return [at_s for line, at_s in lines if line == b": keep-alive"]


@pytest.mark.parametrize("every_s", [5.0, 15.0])
def test_a_stream_that_waits_sends_headers_and_comments(every_s: float) -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=5)
        assert received.status == 200
        assert beats(received) == pytest.approx([every_s * n for n in range(1, int(40.4 / every_s) + 1)])
        assert b"data: [DONE]" in received.lines
        lab.assert_paid_exactly()

    chain = [{**CHAIN[0], "timeout_s": 100}]
    play(scene, faults=SLOW, target=chain, deadlines=PATIENT, gateway={"keepalive_s": every_s})


@pytest.mark.parametrize("stream", [True, False])
def test_without_the_option_and_for_whole_replies_nothing_is_sent_early(stream: bool) -> None:
    """A whole reply's status cannot be taken back, so it is never sent early."""

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=5, stream=stream)
        assert (received.status, beats(received)) == (200, [])

    chain = [{**CHAIN[0], "timeout_s": 100}]
    gateway = {"keepalive_s": 0.0 if stream else 5.0}
    play(scene, faults=SLOW, target=chain, deadlines=PATIENT, gateway=gateway)


def test_a_failure_after_early_headers_is_an_error_event_without_done() -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=5)
        assert received.status == 200
        assert beats(received) == pytest.approx([3.0, 6.0, 9.0])
        assert received.last["error"]["code"] == "timeout_first_token"
        assert b"data: [DONE]" not in received.lines
        await lab.drain()

    play(scene, faults=SLOW, target=[CHAIN[0]], gateway={"keepalive_s": 3.0})


def test_a_pause_in_mid_stream_is_bridged_too() -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=8)
        assert b"data: [DONE]" in received.lines
        assert len(beats(received)) >= 8

    drip = [{"kind": "slow_drip", "gap_s": 2.5}]
    play(scene, faults=drip, target=[CHAIN[0]], gateway={"keepalive_s": 1.0})


def test_a_client_that_leaves_during_heartbeats_ends_the_call() -> None:
    async def scene(lab: Lab) -> None:
        asking = asyncio.create_task(lab.ask_gateway(Received(), tokens=5))
        await asyncio.sleep(12)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await lab.drain()
        assert [facts.outcome for facts in lab.facts] == ["abandoned"]
        assert lab.app.in_flight == 0

    chain = [{**CHAIN[0], "timeout_s": 100}]
    play(scene, faults=SLOW, target=chain, deadlines=PATIENT, gateway={"keepalive_s": 5.0})


def test_the_official_sdk_reads_a_stream_with_heartbeats() -> None:
    async def scene(lab: Lab) -> None:
        client = lab.sdk(max_retries=0, http_client=openai.DefaultAioHttpClient())
        stream = await client.chat.completions.create(
            model="any", stream=True, messages=[{"role": "user", "content": "in about 5 tokens"}]
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        assert text
        await client.close()

    chain = [{**CHAIN[0], "timeout_s": 100}]
    play(scene, faults=SLOW, target=chain, deadlines=PATIENT, gateway={"keepalive_s": 5.0})
