"""Bugs about streams that end before they are over: who notices, and who goes on."""

import asyncio
from typing import Any

import orjson
import pytest

from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.load.workload.prompt import Prompt
from harness.stack.core.errors import ProviderError
from harness.subjects.over_http import ask_gateway
from mock_providers.exchange.tokens import count
from tests.lab.lab import CHAIN, GAP_S, TTFT_S, Lab, play, target
from tests.lab.providers import NUSD
from tests.lab.received import Received

INTER_CHUNK_S = 3.0
DEADLINES = {"first_token_s": 5, "inter_chunk_s": INTER_CHUNK_S, "total_s": 60}
AFTER = 12
"""So many chunks come before a stream breaks."""


def text_of_an_untroubled_call() -> str:
    """The text of the same call when nothing breaks."""
    texts: list[str] = []

    async def scene(lab: Lab) -> None:
        texts.append((await lab.ask()).text)

    play(scene)
    return texts[0]


@pytest.mark.parametrize(
    ("fault", "kind", "after_s"),
    [
        ({"kind": "reset"}, "connection", GAP_S),
        ({"kind": "truncate"}, "truncated", GAP_S),
        ({"kind": "stall"}, "timeout_inter_chunk", INTER_CHUNK_S),
        ({"kind": "malformed_json"}, "malformed", GAP_S),
    ],
    ids=["reset", "truncated", "stalled", "malformed"],
)
def test_a_stream_that_is_cut_stalls_or_is_malformed_goes_on_at_the_fallback(
    fault: dict[str, Any], kind: str, after_s: float
) -> None:
    """litellm#40404: when a stream was cut, stalled or malformed, the fallback got no request.

    Here the next provider goes on from the partial answer: the caller reads the words of an untroubled call,
    and both providers' bills are on the call.
    """
    whole = text_of_an_untroubled_call()

    async def scene(lab: Lab) -> None:
        answer = await lab.ask()
        await lab.drain()
        assert (answer.finish.reason, count(answer.text)) == ("stop", 40)
        # The mock cuts the last word to the length that was asked for.
        assert answer.text.split()[:-1] == whole.split()[:-1]
        [facts] = lab.facts
        assert (facts.outcome, lab.attempt_path) == (
            "success",
            [("primary", "openai"), ("continue", "anthropic")],
        )
        broken, going_on = facts.attempts
        assert (broken.outcome, broken.error_kind, broken.usage_known) == ("failed", kind, False)
        assert (going_on.outcome, going_on.usage_known) == ("success", True)
        assert broken.end_s == pytest.approx(TTFT_S + (AFTER - 1) * GAP_S + after_s)
        assert going_on.started_s == broken.end_s
        # A malformed chunk was sent, and is billed, though nobody can read it.
        unread = kind == "malformed"
        first, second = lab.rows
        assert (first.output_tokens, broken.output_tokens) == (AFTER + unread, AFTER)
        assert second.output_tokens == going_on.output_tokens == 40 - AFTER
        assert first.cost_nusd - broken.cost_nusd == unread * NUSD["openai"][1]
        assert second.cost_nusd == going_on.cost_nusd > 0

    play(scene, deadlines=DEADLINES, faults=[{**fault, "provider": "openai", "after_chunks": AFTER}])


@pytest.mark.parametrize("words", [0, 1, AFTER], ids=["after the role", "after a word", "in the middle"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_error_event_after_the_first_sse_event_falls_back(provider: str, words: int) -> None:
    """bifrost#5395: once the first SSE event had come, an error event ended the call: no fallback.

    The first event of a stream is not its first word. Before a word has come the call falls back as if
    nothing had arrived; after it, the next provider goes on.
    """
    chain = [target(provider), target("together")]

    async def scene(lab: Lab) -> None:
        answer = await lab.ask()
        await lab.drain()
        assert (count(answer.text), answer.finish.reason) == (40, "stop")
        kind = "continue" if words else "fallback"
        assert lab.attempt_path == [("primary", provider), (kind, "together")]
        [facts] = lab.facts
        assert (facts.outcome, [a.error_kind for a in facts.attempts]) == ("success", ["in_band", None])
        assert [row.output_tokens for row in lab.rows] == [words, 40 - words]
        assert [row.ended for row in lab.rows] == ["error", "complete"]
        lab.assert_paid_exactly()

    play(scene, target=chain, faults=[{"kind": "in_band_error", "provider": provider, "after_chunks": words}])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("kind", ["truncate", "reset", "stall"])
def test_an_upstream_cut_never_becomes_a_clean_200(kind: str, stream: bool) -> None:
    """Portkey#1797: an upstream that was cut reached the gateway's client as a clean 200 without an error.

    A stream that has begun cannot take its 200 back, but it ends with an error event, without a finish reason
    and without `[DONE]`; a JSON reply that has not is an error status.
    """

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), stream=stream)
        await lab.drain()
        [facts] = lab.facts
        [attempt] = facts.attempts
        kinds = {"truncate": "truncated", "reset": "connection", "stall": "timeout_inter_chunk"}
        if stream:
            assert (received.status, count(received.text)) == (200, AFTER)
            error = received.last
            assert b"data: [DONE]" not in received.lines
            assert not any(b'"finish_reason":"stop"' in line for line in received.lines)
            assert error["error"]["code"] == facts.error_kind == attempt.error_kind == kinds[kind]
            assert attempt.output_tokens == lab.row(attempt).output_tokens == AFTER
            lab.assert_paid_exactly()
        else:
            late = kind == "stall"
            assert received.status == (504 if late else 502)
            assert received.last["error"]["code"] == facts.error_kind
            assert facts.error_kind == ("timeout_inter_chunk" if late else "connection")
        assert (facts.outcome, attempt.outcome, attempt.usage_known) == ("failed", "failed", False)
        assert lab.row(attempt).ended != "complete"

    play(
        scene,
        target=[CHAIN[0]],
        fallback={"after_first_token": "fail"},
        deadlines=DEADLINES,
        faults=[{"kind": kind, "after_chunks": AFTER}],
    )


def without_finish_reason(body: bytes) -> bytes:
    """A stream whose last chunks never say why it is over, though `[DONE]` comes."""
    return body.replace(b'"finish_reason":"stop"', b'"finish_reason":null')


@pytest.mark.parametrize(
    ("provider", "fault", "edit"),
    [
        ("openai", [{"kind": "truncate", "after_chunks": 40}], None),
        ("anthropic", [{"kind": "truncate", "after_chunks": 40}], None),
        ("together", [], without_finish_reason),
    ],
    ids=["no [DONE]", "no message_stop", "[DONE] without a reason"],
)
def test_the_end_of_a_stream_without_a_finish_reason_is_not_a_stop(
    provider: str, fault: list[dict[str, Any]], edit: Any
) -> None:
    """litellm#40260: a stream that ended without a finish reason was reported as `stop`.

    Even when every word had come: the end was never announced.
    """

    async def scene(lab: Lab) -> None:
        with pytest.raises(ProviderError) as failed:
            await lab.ask("c1")
        assert (failed.value.kind, failed.value.phase) == ("truncated", "after")
        assert count(failed.value.partial) == 40
        received = await lab.ask_gateway(Received(), "c2")
        assert (received.status, count(received.text), received.last["error"]["code"]) == (
            200,
            40,
            "truncated",
        )
        reasons = [orjson.loads(line[6:]) for line in received.lines if line.startswith(b"data: {")][:-1]
        assert {chunk["choices"][0]["finish_reason"] for chunk in reasons} == {None}
        await lab.drain()
        assert [(facts.outcome, facts.error_kind) for facts in lab.facts] == [("failed", "truncated")] * 2
        assert [row.output_tokens for row in lab.rows] == [40, 40]
        lab.assert_paid_exactly()

    play(
        scene,
        target=[target(provider)],
        fallback={"after_first_token": "fail"},
        faults=fault,
        edits={provider: edit},
    )


def planned(stream: bool) -> PlannedCall:
    """A call of the load generator."""
    question = Prompt("Be brief.", "How are you?", 40)
    return PlannedCall(0, "c1", 0.0, "", "", "easy", question, "", 100, stream)


async def load_generator_sees(lab: Lab, through: str, *, stream: bool = True) -> ObservedReply:
    """One call of the load generator: to the gateway, or to the provider itself."""
    url = f"{lab.gateway}/v1" if through == "gateway" else lab.endpoints["openai"].base_url
    client = lab.client
    client.headers["authorization"] = "Bearer sk-x"
    seen = ObservedReply()
    await ask_gateway(client, url)(planned(stream), seen)
    await lab.drain()
    return seen


both_ways = pytest.mark.parametrize("through", ["gateway", "provider"])


@both_ways
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_an_error_inside_a_200_is_no_success_for_the_load_generator(through: str, stream: bool) -> None:
    """vllm#57519: a benchmark client that saw HTTP 200 counted the error event in it as a success."""

    async def scene(lab: Lab) -> None:
        seen = await load_generator_sees(lab, through, stream=stream)
        [row] = lab.rows
        assert (row.status, row.ended) == (200, "error")
        assert seen.outcome == "failed"
        assert len(seen.chunk_s) == row.chunks_sent == (AFTER if stream else 0)
        if through == "gateway":
            [facts] = lab.facts
            assert seen.status == (200 if stream else 502)
            assert (facts.outcome, facts.error_kind, seen.error_kind) == ("failed", "in_band", "in_band")

    play(
        scene,
        target=[CHAIN[0]],
        fallback={"after_first_token": "fail"},
        faults=[{"kind": "in_band_error", "after_chunks": AFTER}],
    )


@both_ways
@pytest.mark.parametrize("kind", ["truncate", "reset"])
def test_a_truncated_stream_is_no_success_for_the_load_generator(through: str, kind: str) -> None:
    """vllm#54628: a benchmark client counted streams that were cut in the middle as successes."""

    async def scene(lab: Lab) -> None:
        seen = await load_generator_sees(lab, through)
        [row] = lab.rows
        expected = "truncated" if kind == "truncate" else "connection"
        assert (seen.status, seen.outcome, seen.error_kind) == (200, "failed", expected)
        assert len(seen.chunk_s) == row.chunks_sent == AFTER < row.chunks_planned
        assert [facts.outcome for facts in lab.facts] == ["failed"] * (through == "gateway")

    play(
        scene,
        target=[CHAIN[0]],
        fallback={"after_first_token": "fail"},
        faults=[{"kind": kind, "after_chunks": AFTER}],
    )


@pytest.mark.parametrize(
    ("fault", "stream", "kind", "ends_s"),
    [
        ({"kind": "slow_first_token", "extra_s": 500}, True, "timeout_first_token", 5.0),
        ({"kind": "stall", "after_chunks": 0}, True, "timeout_first_token", 5.0),
        ({"kind": "stall"}, False, "timeout_inter_chunk", 4.18),
        ({"kind": "slow_drip", "gap_s": 1.0}, False, "timeout_total", 20.0),
        ({"kind": "slow_drip", "gap_s": 2.0}, True, "timeout_total", 20.0),
    ],
    ids=["silence", "silence after the role", "half a body", "a dripping body", "a dripping stream"],
)
def test_a_timeout_goes_on_after_the_headers_and_bounds_the_body(
    fault: dict[str, Any], stream: bool, kind: str, ends_s: float
) -> None:
    """Portkey's source: the timeout was cleared when the headers came, so bodies were unbounded.

    The headers come at once here, and the body never ends. The caller hears of it at the deadline, not later,
    and the provider is left at that moment.
    """

    async def scene(lab: Lab) -> None:
        with pytest.raises(ProviderError) as failed:
            await lab.ask(stream=stream)
        assert failed.value.kind == kind
        assert lab.now() == pytest.approx(ends_s)
        await lab.drain()
        [facts] = lab.facts
        [attempt] = facts.attempts
        assert (facts.outcome, attempt.error_kind) == ("failed", kind)
        assert attempt.end_s == pytest.approx(ends_s)
        row = lab.row(attempt)
        assert (row.status, row.ended) == (200, "client_closed")

    async def and_at_once(lab: Lab) -> None:
        asking = asyncio.create_task(scene(lab))
        await asyncio.sleep(ends_s - 0.001)
        assert lab.app.in_flight == 1
        await asyncio.sleep(0.002)
        assert lab.app.in_flight == 0
        await asking

    play(
        and_at_once,
        target=[CHAIN[0]],
        fallback={"after_first_token": "fail"},
        deadlines=DEADLINES | {"total_s": 20},
        faults=[fault],
    )
