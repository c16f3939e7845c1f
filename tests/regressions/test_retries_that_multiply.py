"""Bugs about retries that nobody counted, or that several layers made, each for itself."""

import asyncio
from collections import Counter
from typing import Any

import openai
import pytest

from harness.stack.core.errors import StackError
from mock_providers.exchange.tokens import count
from tests.lab.lab import CHAIN, REFUSAL_S, Lab, play, prompt, target
from tests.lab.received import Received

NO_TRICKLE = {"ratio": 0.0, "min_per_s": 0.0}
WORDS = 3
"""So many come before a stream breaks."""
ALL_BREAK = [{"kind": "reset", "after_chunks": WORDS}]


@pytest.mark.parametrize("allowed", [1, 2, 5])
def test_errors_in_mid_stream_count_as_tries(allowed: int) -> None:
    """litellm#29808: an error in mid-stream skipped the count of retries: the fallbacks went on for ever.

    Every provider breaks every stream here. The call ends after as many continuations as are allowed, all of
    them on the record and paid for.
    """

    async def scene(lab: Lab) -> None:
        with pytest.raises(StackError) as failed:
            await lab.ask()
        await lab.drain()
        tries = 1 + allowed
        assert [kind for kind, _ in lab.attempt_path] == ["primary"] + ["continue"] * allowed
        assert [row.output_tokens for row in lab.rows] == [WORDS] * tries
        assert count(failed.value.partial) == WORDS * tries
        [facts] = lab.facts
        assert (facts.outcome, failed.value.cost_nusd) == ("failed", facts.cost_nusd)
        lab.assert_paid_exactly()

    play(scene, faults=ALL_BREAK, fallback={"max_continuations": allowed})


@pytest.mark.parametrize("tokens", [0, 1, 2])
def test_errors_in_mid_stream_draw_on_the_retry_budget(tokens: int) -> None:
    """litellm#29808: what mends a broken stream is a retry, and is paid from the same budget as the others.

    The budget lasts for all calls together, not for each.
    """

    async def scene(lab: Lab) -> None:
        for id in ("c1", "c2"):
            with pytest.raises(StackError):
                await lab.ask(id)
        await lab.drain()
        kinds = Counter(kind for kind, _ in lab.attempt_path)
        assert kinds == Counter(primary=2, **({"continue": tokens} if tokens else {}))
        assert len(lab.facts[0].attempts) == 1 + tokens
        assert len(lab.rows) == 2 + tokens
        lab.assert_paid_exactly()

    play(scene, faults=ALL_BREAK, retry_budget=NO_TRICKLE | {"initial": tokens})


@pytest.mark.parametrize("targets", [1, 2])
def test_the_retries_of_the_sdk_do_not_multiply_ours(targets: int) -> None:
    """litellm#7130: the SDK retried what the router behind it had already retried.

    Three tries at each target are three, though the client is the official SDK with its own two retries.
    """

    async def scene(lab: Lab) -> None:
        async with lab.sdk() as sdk:
            assert sdk.max_retries == 2
            with pytest.raises(openai.InternalServerError) as failed:
                await sdk.chat.completions.create(
                    model="any", messages=[{"role": "user", "content": prompt("c1", 40)}]
                )
        assert failed.value.status_code == 503
        assert failed.value.response.headers["x-should-retry"] == "false"
        await lab.drain()
        requests = Counter(row.provider for row in lab.rows)
        assert requests == {entry["provider"]: 3 for entry in CHAIN[:targets]}
        [facts] = lab.facts
        assert (facts.outcome, len(facts.attempts), facts.cost_nusd) == ("failed", 3 * targets, 0)

    play(scene, target=CHAIN[:targets], retry={"attempts": 3, "base_s": 0.1}, faults=[{"kind": "outage"}])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("through", ["gateway", "sdk"])
def test_a_timeout_of_thirty_seconds_is_thirty_seconds(through: str, stream: bool) -> None:
    """openai-python#3828: a timeout of 30 s took 91 s, for each of three tries had 30 s of its own.

    Here the time is the call's, whatever is tried in it: retries, the next target, and the caller's SDK.
    """
    total_s = 30.0

    async def scene(lab: Lab) -> None:
        if through == "sdk":
            async with lab.sdk(timeout=600.0) as sdk:
                ask: Any = sdk.chat.completions.create
                messages = [{"role": "user", "content": prompt("c1", 40)}]
                began_s = lab.now()
                with pytest.raises(openai.APIStatusError) as failed:
                    await ask(model="any", messages=messages, stream=stream)
                status, ended_s = failed.value.status_code, lab.now()
        else:
            began_s = lab.now()
            received = await lab.ask_gateway(Received(), stream=stream)
            status, ended_s = received.status, received.ended_s
        assert status == 504
        assert ended_s - began_s == pytest.approx(total_s)
        await lab.drain()
        [facts] = lab.facts
        assert (facts.outcome, facts.error_kind) == ("failed", "timeout_total")
        assert len(facts.attempts) == len(lab.rows) > (2 if stream else 0)
        assert {row.ended for row in lab.rows} == {"client_closed"}
        assert max(attempt.end_s or 0.0 for attempt in facts.attempts) == pytest.approx(ended_s)

    play(
        scene,
        deadlines={"first_token_s": 9, "total_s": total_s},
        retry={"attempts": 3, "base_s": 0.5, "jitter_s": 0},
        faults=[{"kind": "hang"}],
    )


SPREAD = ["exponential_jitter", "full_jitter", "decorrelated"]


@pytest.mark.parametrize("backoff", [*SPREAD, "exponential"])
def test_calls_that_fail_together_do_not_come_back_together(backoff: str) -> None:
    """Portkey's source: retries without jitter come back all at once, as they had failed.

    Of 200 calls refused at one instant, few share a twentieth of a second when they come back; without jitter
    all of them do, and the provider's own arrival histogram shows it.
    """
    calls, slot_s = 200, 0.05

    async def scene(lab: Lab) -> None:
        await asyncio.gather(*(lab.ask(f"c{n}", 5) for n in range(calls)))
        first, again = lab.rows[:calls], lab.rows[calls:]
        assert {row.received_s for row in first} == {0.0}
        assert len(again) == calls
        slots = Counter(int((row.received_s - REFUSAL_S) / slot_s) for row in again)
        assert max(slots.values()) == calls if backoff == "exponential" else max(slots.values()) < calls / 5
        assert Counter(facts.outcome for facts in lab.facts) == {"success": calls}
        waited = {
            attempt.attempt_id: attempt.backoff_s for attempt in lab.attempts if attempt.kind == "retry"
        }
        for row in again:
            assert row.received_s == pytest.approx(REFUSAL_S + waited[row.attempt_id or ""])
        lab.assert_paid_exactly()

    retry = {"backoff": backoff, "base_s": 1.0, "jitter_s": 1.0, "cap_s": 8.0}
    play(scene, target=[target("openai")], retry=retry, faults=[{"kind": "outage", "to_s": 0.01}])


SIBLINGS = [target("openai", name="east"), target("openai", name="west")]


@pytest.mark.parametrize(
    ("options", "at_least", "at_most"),
    [({}, 2.0, 2.0), ({"breaker": {}}, 1.0, 1.1), ({"throttle": {}}, 0.0, 0.1)],
    ids=["unprotected", "breaker", "throttle"],
)
def test_a_burst_is_not_doubled_at_the_sibling(
    options: dict[str, Any], at_least: float, at_most: float
) -> None:
    """litellm's source: a refused call was retried at a sibling deployment without delay, which doubled every
    burst at a provider that was overloaded already.

    Two targets here are the same provider, which refuses all of 20 calls a second for a minute. Without
    protection each call is sent twice; breakers leave one of the two, load shedding hardly any.
    """
    calls, apart_s = 1_000, 0.05

    async def one(lab: Lab, n: int) -> None:
        await asyncio.sleep(n * apart_s)
        with pytest.raises(StackError):
            await lab.ask(f"c{n}", 5)

    async def scene(lab: Lab) -> None:
        await asyncio.gather(*(one(lab, n) for n in range(calls)))
        assert at_least * calls <= len(lab.rows) <= at_most * calls
        assert {row.ended for row in lab.rows} == {"error"}
        sent = [attempt for attempt in lab.attempts if attempt.sent]
        assert len(sent) == len(lab.rows)
        await asyncio.sleep(200)
        assert count((await lab.ask("later", 5)).text) == 5
        assert lab.facts[-1].outcome == "success"
        lab.assert_paid_exactly()

    play(scene, target=SIBLINGS, faults=[{"kind": "outage", "to_s": 60}], **options)
