"""Admission of a request: limits of key and organisation, prompt cache, slots. No sockets here."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_providers import Catalogue, Profile, make_profile
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.server.service import Service

Make = Callable[..., Profile]
LONG = "x" * 4 * 1500
ROOMY = {"context_window": 100_000}


class ProviderUnderTest:
    """One service; a request stays in flight until it is settled."""

    def __init__(self, profile: Profile, name: str = "openai", **provider: Any) -> None:
        if provider:
            data = profile.model_dump(exclude_unset=True)
            data["providers"][name].update(provider)
            profile = make_profile(data)
        self.service = Service(name, profile, Catalogue(()), Draws(0))
        self.name = name
        self.model = next(iter(profile.providers[name].models))

    def ask(self, text: str = "Hi", *, key: str = "k", now: float = 0.0, **body: Any) -> Decision:
        path = "/v1/messages" if self.name == "anthropic" else "/v1/chat/completions"
        content = {"model": self.model, "messages": [{"role": "user", "content": text}], **body}
        headers = {b"authorization": f"Bearer {key}".encode(), b"anthropic-version": b"2026-10-21"}
        received = Received("POST", path, headers, {}, json.dumps(content).encode())
        instant = Instant(now, now, 1_000_000.0 + now)
        return self.service.decide(self.service.arrival(received), received, (), instant)

    def headers(self, decision: Decision) -> dict[bytes, bytes]:
        return dict(self.service.dialect.headers(decision.stamp, decision.plan))


def test_keys_of_one_organisation_share_its_limits(fast_profile: Make) -> None:
    provider = ProviderUnderTest(
        fast_profile(organization_limits={"requests_per_min": 3}),
        organizations={"org-a": ["a1", "a2"], "org-b": ["b"]},
    )
    statuses = [provider.ask(key=key).plan.status for key in ("a1", "a2", "a1", "a2", "b")]
    assert statuses == [200, 200, 200, 429, 200]


def test_requests_in_flight_are_counted_until_they_end(fast_profile: Make) -> None:
    provider = ProviderUnderTest(fast_profile(limits={"concurrency": 2}))
    first, second, third = (provider.ask() for _ in range(3))
    assert [each.plan.status for each in (first, second, third)] == [200, 200, 429]
    provider.service.settle(first, 5, 1.0)
    provider.service.settle(first, 5, 1.0)
    assert [provider.ask(now=2.0).plan.status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"requests_per_day": 1}, "requests per day"),
        ({"concurrency": 1}, "concurrent"),
        ({"ramp": {"factor": 1.5, "floor_per_min": 1, "window_s": 60.0}}, "ramp up"),
    ],
)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_every_limit_is_refused_in_the_providers_words(
    fast_profile: Make, name: str, limits: dict[str, Any], word: str
) -> None:
    provider = ProviderUnderTest(fast_profile(limits=limits), name)
    extra: dict[str, Any] = {"max_tokens": 5} if name == "anthropic" else {}
    refused = [provider.ask(**extra) for _ in range(4)][-1]
    assert refused.plan.status == 429
    assert refused.plan.problem is not None
    assert word in refused.plan.problem.message


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ({}, {b"retry-after": b"30", b"retry-after-ms": b"30000", b"x-ratelimit-remaining-requests": b"0"}),
        ({"retry_after": "none"}, {b"x-ratelimit-remaining-requests": b"0"}),
        ({"retry_after": "seconds", "rate_limits": "none"}, {b"retry-after": b"30"}),
        (
            {"retry_after": "none", "rate_limits": "negative"},
            {b"x-ratelimit-remaining-requests": b"-1", b"x-ratelimit-limit-requests": b"-1"},
        ),
    ],
)
def test_refusals_carry_the_headers_of_their_style(
    fast_profile: Make, style: dict[str, Any], expected: dict[bytes, bytes]
) -> None:
    provider = ProviderUnderTest(fast_profile(limits={"requests_per_min": 2}), header_style=style)
    headers = provider.headers([provider.ask() for _ in range(3)][-1])
    names = (b"retry-after", b"retry-after-ms", b"x-ratelimit-remaining-requests")
    for name in names:
        assert headers.get(name) == expected.get(name)
    assert expected.items() <= headers.items()


def test_a_prefix_asked_again_is_read_from_the_cache_once_its_first_reply_began(fast_profile: Make) -> None:
    provider = ProviderUnderTest(
        fast_profile(prompt_cache={"kind": "automatic"}, prefill_s_per_token=0.001, **ROOMY)
    )
    cold = provider.ask(LONG + "a").plan
    parallel = provider.ask(LONG + "b", now=cold.ttft_s / 2).plan
    warm = provider.ask(LONG + "c", now=cold.ttft_s + 1).plan
    assert [plan.cached_input_tokens for plan in (cold, parallel, warm)] == [0, 0, 1408]
    assert warm.ttft_s == pytest.approx(cold.ttft_s - 1.408)


def test_cached_and_written_tokens_have_prices_of_their_own(fast_profile: Make) -> None:
    price = {"input": "3", "output": "15", "cached_input": "0.30", "cache_write": "3.75"}
    provider = ProviderUnderTest(
        fast_profile(prompt_cache={"kind": "breakpoints"}, price=price, **ROOMY), "anthropic"
    )
    marked = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    cold = provider.ask("a", system=marked, max_tokens=5)
    warm = provider.ask("b", now=9.0, system=marked, max_tokens=5)
    written, read = cold.plan.cache_write_tokens, warm.plan.cached_input_tokens
    assert written == read > 1500
    assert cold.price is not None
    fresh = cold.plan.input_tokens - written
    assert cold.price.cost_nusd(cold.plan, 5) == fresh * 3000 + written * 3750 + 5 * 15_000
    assert cold.price.cost_nusd(warm.plan, 5) == fresh * 3000 + read * 300 + 5 * 15_000


def test_cached_tokens_do_not_count_against_anthropics_input_limit(fast_profile: Make) -> None:
    limits = {"input_tokens_per_min": 2000, "cache_reads_count": False}
    provider = ProviderUnderTest(
        fast_profile(prompt_cache={"kind": "breakpoints"}, limits=limits, **ROOMY), "anthropic"
    )
    marked = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    asked = [provider.ask("a", now=float(nth), system=marked, max_tokens=5) for nth in range(8)]
    assert [decision.plan.status for decision in asked] == [200] * 8
    assert provider.ask("a", key="other", system=marked, max_tokens=5).plan.status == 200


def test_a_model_without_a_free_slot_lets_requests_wait_and_then_refuses(fast_profile: Make) -> None:
    provider = ProviderUnderTest(fast_profile(load={"slots": 1, "queue": 1}))
    first, second, third = (provider.ask() for _ in range(3))
    assert first.plan.queued_s == 0.0
    assert second.plan.queued_s == pytest.approx(first.plan.ends_s)
    assert second.plan.ttft_s > first.plan.ends_s
    assert (third.plan.status, third.plan.queued_s) == (503, 0.0)


def test_a_slot_is_free_again_when_its_client_hangs_up(fast_profile: Make) -> None:
    provider = ProviderUnderTest(fast_profile(load={"slots": 1, "queue": 0}))
    first = provider.ask()
    provider.service.settle(first, 0, 0.001)
    assert provider.ask(now=0.001).plan.status == 200


def test_busy_slots_slow_the_pace(fast_profile: Make) -> None:
    pace = {"tokens_per_s": 100.0, "reply_sigma": 0.0, "chunk_sigma": 0.0, "chunk_tokens": [1, 1]}
    calm = ProviderUnderTest(fast_profile(pace=pace)).ask("in about 101 tokens").plan
    busy = (
        ProviderUnderTest(fast_profile(pace=pace, load={"slots": 1, "slowdown": 3.0}))
        .ask("in about 101 tokens")
        .plan
    )
    assert calm.ends_s - calm.ttft_s == pytest.approx(1.0)
    assert busy.ends_s - busy.ttft_s == pytest.approx(3.0)
