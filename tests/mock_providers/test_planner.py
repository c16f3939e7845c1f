"""A decision depends on the request, its history, the seed and the fault schedule. No sockets here."""

import json
from collections.abc import Callable
from typing import Any

from mock_providers import Catalogue, Profile
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.faults.base import FaultBase
from mock_providers.faults.brownout import Brownout
from mock_providers.faults.outage import Outage
from mock_providers.plan import Plan
from mock_providers.server.service import Service

HEADERS = {b"authorization": b"Bearer k", b"anthropic-version": b"2026-10-21"}
NOTHING = Catalogue(())


class Asker:
    """One service; requests come one after the other at chosen times."""

    def __init__(
        self, profile: Profile, *, name: str = "openai", seed: int = 0, faults: tuple[FaultBase, ...] = ()
    ) -> None:
        self.service = Service(name, profile, NOTHING, Draws(seed))
        self.model = next(iter(profile.providers[name].models))
        self.faults = faults

    def __call__(self, text: str = "Hi", *, now: float = 0.0, **body: Any) -> Plan:
        request = {"model": self.model, "messages": [{"role": "user", "content": text}], **body}
        instant = Instant(now, now, 1_000_000.0 + now)
        received = Received("POST", "/v1/chat/completions", HEADERS, {}, json.dumps(request).encode())
        return self.service.decide(self.service.arrival(received), received, self.faults, instant).plan


def test_the_same_history_gives_the_same_plans(fast_profile: Callable[..., Profile]) -> None:
    one, other = Asker(fast_profile()), Asker(fast_profile())
    for text in ("a", "b", "a", "a", "c"):
        assert one(text, stream=True) == other(text, stream=True)


def test_a_reply_does_not_depend_on_what_others_asked_in_between(
    fast_profile: Callable[..., Profile],
) -> None:
    alone, among = Asker(fast_profile()), Asker(fast_profile())
    among("something else", now=0.5)
    among("yet another", now=0.6)
    assert alone("a", now=1.0).text == among("a", now=7.0).text


def test_asking_again_draws_again(fast_profile: Callable[..., Profile]) -> None:
    ask = Asker(fast_profile())
    assert len({ask("a").text for _ in range(5)}) == 5


def test_another_seed_draws_another_reply(fast_profile: Callable[..., Profile]) -> None:
    assert Asker(fast_profile(), seed=1)("a") != Asker(fast_profile(), seed=2)("a")


def test_streaming_ids_and_users_do_not_change_the_reply(fast_profile: Callable[..., Profile]) -> None:
    plain = Asker(fast_profile())("a").text
    assert Asker(fast_profile())("a", stream=True).text == plain
    assert Asker(fast_profile())("a", user="me", metadata={"id": "7"}).text == plain
    assert Asker(fast_profile())("a", temperature=0.5).text != plain


def test_a_json_reply_comes_when_the_last_chunk_of_its_stream_would(
    fast_profile: Callable[..., Profile],
) -> None:
    streamed = Asker(fast_profile())("a", stream=True)
    whole = Asker(fast_profile())("a")
    assert len(whole.pieces) == 1
    assert whole.pieces[0].due_s == streamed.pieces[-1].due_s == whole.headers_s
    assert whole.output_tokens == streamed.output_tokens


def test_a_brownout_slows_a_json_reply_as_much_as_its_stream(fast_profile: Callable[..., Profile]) -> None:
    slow = (Brownout(extra_s=2.0, slowdown=4.0),)
    streamed = Asker(fast_profile(), faults=slow)("a", stream=True)
    assert Asker(fast_profile(), faults=slow)("a").ends_s == streamed.ends_s


def test_a_fault_leaves_the_luck_of_other_replies_alone(fast_profile: Callable[..., Profile]) -> None:
    struck = Asker(fast_profile(), faults=(Outage(from_s=1.0, to_s=2.0),))
    spared = Asker(fast_profile())
    for ask in (struck, spared):
        ask("a", now=0.0)
        ask("a", now=1.5)
    assert struck("a", now=3.0) == spared("a", now=3.0)


def test_requests_that_a_fault_refuses_have_counted_against_the_limits(
    fast_profile: Callable[..., Profile],
) -> None:
    ask = Asker(fast_profile(limits={"requests_per_min": 2}), faults=(Outage(),))
    assert [ask(now=0.0).status for _ in range(4)] == [503, 503, 429, 429]


def test_requests_that_are_refused_for_rate_count_for_nothing(fast_profile: Callable[..., Profile]) -> None:
    limited = Asker(fast_profile(limits={"requests_per_min": 60, "burst_s": 1.0}))
    first = limited("a", now=0.0)
    assert [limited("a", now=0.1).status for _ in range(20)] == [429] * 20
    second = limited("a", now=1.0)
    free = Asker(fast_profile())
    assert [first.text, second.text] == [free("a").text, free("a").text]


def test_keys_and_models_have_their_own_buckets(fast_profile: Callable[..., Profile]) -> None:
    ask = Asker(fast_profile(limits={"requests_per_min": 1}))
    assert ask().status == 200
    assert ask().status == 429
    body = json.dumps({"model": ask.model, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    other = Received("POST", "/v1/chat/completions", {b"authorization": b"Bearer other"}, {}, body)
    decision = ask.service.decide(ask.service.arrival(other), other, (), Instant(0.0, 0.0, 0.0))
    assert decision.plan.status == 200


def test_prompts_and_replies_fit_the_context_window(fast_profile: Callable[..., Profile]) -> None:
    ask = Asker(fast_profile(context_window=100))
    assert ask("x" * 4 * 93).problem is not None
    tight = ask("x" * 4 * 60 + " in about 90 tokens")
    assert tight.input_tokens + tight.output_tokens == 100
    assert tight.choices[0].finish == "length"


def test_a_plan_says_when_it_was_limited_and_for_how_long(fast_profile: Callable[..., Profile]) -> None:
    ask = Asker(fast_profile(limits={"requests_per_min": 60, "tokens_per_min": 6000, "burst_s": 1.0}))
    ask(max_tokens=100)
    refused = ask(now=0.25, max_tokens=100)
    assert refused.problem is not None
    assert refused.problem.retry_after_s == 0.75
    assert refused.problem.type in ("requests", "tokens")
    assert not refused.billable
