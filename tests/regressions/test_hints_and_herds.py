"""Bugs about coming back too early, all at once, or not at all."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from harness.stack.core.errors import StackError
from mock_providers.exchange.tokens import count
from tests.lab.lab import CHAIN, REFUSAL_S, TTFT_S, Lab, play, target

HINT_S = 7.0


def refused_once(provider: str, **more: Any) -> list[dict[str, Any]]:
    """The first request gets a 429 that asks for `HINT_S`."""
    return [
        {
            "kind": "http_error",
            "status": 429,
            "retry_after_s": HINT_S,
            "provider": provider,
            "first": 1,
            **more,
        }
    ]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "together"])
def test_a_retry_comes_no_earlier_than_it_was_asked_to(provider: str) -> None:
    """Helicone#5672: Retry-After was ignored, and the retry came when the backoff formula said.

    Here it would say half a second, and the provider says seven.
    """

    async def scene(lab: Lab) -> None:
        answer = await lab.ask()
        assert (count(answer.text), lab.now()) == (40, REFUSAL_S + HINT_S + TTFT_S + 39 * 0.02)
        refused, answered = lab.rows
        assert (refused.status, refused.cost_nusd, answered.ended) == (429, 0, "complete")
        assert answered.received_s == pytest.approx(refused.received_s + REFUSAL_S + HINT_S)
        [facts] = lab.facts
        assert [attempt.retry_after_s for attempt in facts.attempts] == [HINT_S, None]
        assert [attempt.backoff_s for attempt in facts.attempts] == [0.0, HINT_S]
        lab.assert_paid_exactly()

    play(scene, target=[target(provider)], retry={"base_s": 0.5}, faults=refused_once(provider))


def test_other_calls_keep_away_for_as_long_as_one_of_them_was_asked_to() -> None:
    """Helicone#5672: what one call was told in Retry-After is as true for the next ones.

    They do not wait either: the next provider answers them, and after that time the first one does again.
    """

    async def one(lab: Lab, n: int) -> None:
        await asyncio.sleep(n * 0.25)
        await lab.ask(f"c{n:02}", 5)

    async def scene(lab: Lab) -> None:
        await asyncio.gather(*(one(lab, n) for n in range(40)))
        again_s = REFUSAL_S + HINT_S
        for row in lab.rows:
            kept_away = 0 < row.received_s < again_s
            # Who comes within a second of that time stands in line for it.
            assert row.provider == ("anthropic" if kept_away else "openai") or row.received_s == REFUSAL_S
        assert Counter(facts.outcome for facts in lab.facts) == {"success": 40}
        assert Counter(row.status for row in lab.rows) == {200: 40, 429: 1}
        lab.assert_paid_exactly()

    chain = [target("openai", limiter={"rpm": 6000, "max_wait_s": 1}), target("anthropic")]
    play(scene, target=chain, faults=refused_once("openai"))


@pytest.mark.parametrize("limited", [True, False], ids=["limited", "unlimited"])
def test_a_fallback_of_everybody_at_once_does_not_overload_the_backup(limited: bool) -> None:
    """superagent#1145: the fallback was instant, and the backup, which is smaller, fell over as well.

    A hundred calls lose their provider at one instant. In the backup's line they come at its own pace, and it
    refuses none; without the line it refuses nine of ten.
    """
    calls, per_s = 100, 10

    async def one(lab: Lab, n: int) -> bool:
        try:
            return count((await lab.ask(f"c{n}", 5)).text) == 5
        except StackError:
            return False

    async def scene(lab: Lab) -> None:
        answered = sum(await asyncio.gather(*(one(lab, n) for n in range(calls))))
        at_backup = [row for row in lab.rows if row.provider == "anthropic"]
        assert len(at_backup) == calls
        refused = sum(row.status == 429 for row in at_backup)
        assert answered == calls - refused
        if limited:
            arrived_s = [row.received_s for row in at_backup]
            assert refused == 0
            assert all(later - arrived_s[n] > 0.99 for n, later in enumerate(arrived_s[2 * per_s :]))
            assert arrived_s[-1] == pytest.approx(REFUSAL_S + (calls - per_s) / per_s)
        else:
            assert refused == calls - per_s
        lab.assert_paid_exactly()

    limiter = {"limiter": {"rpm": 60 * per_s, "burst_s": 1, "max_wait_s": 30}} if limited else {}
    play(
        scene,
        target=[target("openai"), target("anthropic", **limiter)],
        models={"anthropic": {"limits": {"requests_per_min": 60 * per_s, "burst_s": 1.0}}},
        faults=[{"kind": "outage", "provider": "openai"}],
    )


def test_tries_are_apart_when_usage_is_what_is_limited() -> None:
    """litellm#7669: routed by usage, a call that was refused was tried again without any backoff, and failed.

    The provider allows fewer requests than the stack was told. Every call that is refused comes back after
    its backoff and after what the provider asked for, whichever is longer, and all are answered.
    """
    base_s = 3.0

    async def scene(lab: Lab) -> None:
        answers = await asyncio.gather(*(lab.ask(f"c{n}", 5) for n in range(8)))
        assert [count(answer.text) for answer in answers] == [5] * 8
        assert sum(row.status == 429 for row in lab.rows) >= 6
        for facts in lab.facts:
            for refused, again in pairwise(facts.attempts):
                assert (refused.error_kind, again.kind) == ("rate_limited", "retry")
                asked_s = refused.retry_after_s
                assert asked_s is not None
                apart_s = lab.row(again).received_s - (lab.row(refused).received_s + REFUSAL_S)
                assert apart_s >= max(base_s, asked_s) - 1e-9
                assert again.backoff_s >= max(base_s, asked_s)
        lab.assert_paid_exactly()

    play(
        scene,
        target=[target("openai", limiter={"rpm": 6000, "calibrate": False})],
        retry={"attempts": 9, "base_s": base_s},
        models={"openai": {"limits": {"requests_per_min": 60, "burst_s": 2.0}}},
    )


def test_when_everything_cools_down_the_next_call_is_answered_all_the_same() -> None:
    """litellm#3646: when every deployment was in cooldown, calls failed without being sent anywhere.

    All breakers are open for a minute, but the providers are back after three seconds. The next call is sent
    to the one whose cooldown ends first, and answered.
    """

    async def scene(lab: Lab) -> None:
        for n in range(2):
            with pytest.raises(StackError):
                await lab.ask(f"c{n}")
        await asyncio.sleep(10 - lab.now())
        assert count((await lab.ask("later")).text) == 40
        assert lab.now() == pytest.approx(10 + TTFT_S + 39 * 0.02)
        attempts = [(a.provider, a.outcome, a.error_kind) for a in lab.facts[-1].attempts]
        assert attempts == [("openai", "success", None)]
        assert [row.ended for row in lab.rows] == ["error"] * 6 + ["complete"]
        lab.assert_paid_exactly()

    breaker = {"min_samples": 2, "open_s": 60, "jitter": 0}
    play(scene, target=CHAIN, breaker=breaker, faults=[{"kind": "outage", "to_s": 3}])


def test_a_call_waits_for_the_end_of_a_pause_when_there_is_nobody_else() -> None:
    """litellm#3646: with nobody left to ask, a call that has the time waits instead of failing."""

    async def scene(lab: Lab) -> None:
        with pytest.raises(StackError):
            await lab.ask("refused")
        await asyncio.sleep(1 - lab.now())
        assert count((await lab.ask("waits")).text) == 40
        [attempt] = lab.facts[-1].attempts
        again_s = REFUSAL_S + HINT_S
        assert attempt.limiter_wait_s == pytest.approx(again_s - 1)
        assert lab.row(attempt).received_s == pytest.approx(again_s)
        lab.assert_paid_exactly()

    play(scene, target=[target("openai", limiter={"rpm": 6000})], faults=refused_once("openai"))
