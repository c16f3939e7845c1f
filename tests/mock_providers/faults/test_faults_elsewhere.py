"""Faults aimed at endpoints that generate nothing, at Gemini, and at prompt caches. No sockets here."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_providers import Catalogue, Profile, load_profile, parse_faults
from mock_providers.batches.store import Batch
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.server.service import Service

UNPACED = load_profile("unpaced")
HEADERS = {b"authorization": b"Bearer k", b"x-goog-api-key": b"k", b"anthropic-version": b"2026-10-21"}
HI = [{"role": "user", "content": "Hi"}]
CONTENTS = {"contents": [{"parts": [{"text": "Hi"}]}]}
GEMINI = "/v1beta/models/gemini-2.5-flash"

# (provider, method, path, body), by the ledger's name of the endpoint and its provider.
REQUESTS: dict[tuple[str, str], tuple[str, str, Any]] = {
    ("chat.completions", "openai"): ("POST", "/v1/chat/completions", {"model": "gpt-4o", "messages": HI}),
    ("responses", "openai"): ("POST", "/v1/responses", {"model": "gpt-4o", "input": "Hi"}),
    ("stored_responses", "openai"): ("GET", "/v1/responses/resp_ID", None),
    ("count_tokens", "openai"): ("POST", "/v1/responses/input_tokens", {"model": "gpt-4o", "input": "Hi"}),
    ("embeddings", "openai"): (
        "POST",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "Hi"},
    ),
    ("files", "openai"): ("GET", "/v1/files", None),
    ("batches", "openai"): ("GET", "/v1/batches", None),
    ("models", "openai"): ("GET", "/v1/models/gpt-4o", None),
    ("messages", "anthropic"): (
        "POST",
        "/v1/messages",
        {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": HI},
    ),
    ("count_tokens", "anthropic"): (
        "POST",
        "/v1/messages/count_tokens",
        {"model": "claude-sonnet", "messages": HI},
    ),
    ("batches", "anthropic"): ("GET", "/v1/messages/batches", None),
    ("models", "anthropic"): ("GET", "/v1/models/claude-sonnet-4-5", None),
    ("generate_content", "gemini"): ("POST", f"{GEMINI}:generateContent", CONTENTS),
    ("count_tokens", "gemini"): ("POST", f"{GEMINI}:countTokens", CONTENTS),
    ("models", "gemini"): ("GET", GEMINI, None),
}


class Asker:
    """A service for every provider of a profile, under one fault schedule."""

    def __init__(self, *faults: dict[str, Any], profile: Profile = UNPACED) -> None:
        self.faults = parse_faults(list(faults), profile)
        self.services = {name: Service(name, profile, Catalogue(()), Draws(0)) for name in profile.providers}

    def __call__(self, provider: str, method: str, path: str, body: Any, now: float = 0.0) -> Decision:
        raw = b"" if body is None else json.dumps(body).encode()
        received = Received(method, path, HEADERS, {}, raw)
        service, instant = self.services[provider], Instant(now, now, 1e9 + now)
        return service.decide(service.arrival(received), received, self.faults, instant)

    def struck(self, now: float = 0.0) -> set[tuple[str, str]]:
        """The endpoints and providers of REQUESTS that a fault hits."""
        found = {key: self(key[1], method, path, body, now) for key, (method, path, body) in REQUESTS.items()}
        assert {key: decision.info.endpoint for key, decision in found.items()} == {
            key: key[0] for key in REQUESTS
        }
        return {key for key, decision in found.items() if decision.plan.fault is not None}


@pytest.mark.parametrize("endpoint", sorted({endpoint for endpoint, _ in REQUESTS}))
def test_a_fault_at_an_endpoint_strikes_it_at_every_provider_and_no_other(endpoint: str) -> None:
    found = Asker({"kind": "outage", "endpoint": endpoint}).struck()
    assert found == {key for key in REQUESTS if key[0] == endpoint}


@pytest.mark.parametrize("provider", UNPACED.providers)
def test_a_fault_at_a_provider_strikes_everything_it_offers(provider: str) -> None:
    found = Asker({"kind": "outage", "provider": provider}).struck()
    assert found == {key for key in REQUESTS if key[1] == provider}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", {(name, "openai") for name in ("chat.completions", "responses", "count_tokens")}),
        ("text-embedding-3-small", {("embeddings", "openai")}),
        ("claude-sonnet", {("messages", "anthropic"), ("count_tokens", "anthropic")}),
        ("gemini-2.5-flash", {("generate_content", "gemini"), ("count_tokens", "gemini")}),
        ("claude-opus", set()),
    ],
)
def test_a_fault_at_a_model_strikes_what_is_asked_of_it_and_no_lists(
    model: str, expected: set[tuple[str, str]]
) -> None:
    assert Asker({"kind": "outage", "model": model}).struck() == expected


def test_a_model_and_an_endpoint_together_leave_its_token_counts_alone() -> None:
    asker = Asker({"kind": "outage", "model": "claude-sonnet", "endpoint": "messages"})
    assert asker.struck() == {("messages", "anthropic")}


@pytest.mark.parametrize("ends", ["http_error", "hang", "refuse", "reset", "html_200", "in_band_error"])
def test_a_batch_that_is_refused_is_not_made(ends: str) -> None:
    assert not batches_made_under({"kind": ends})


@pytest.mark.parametrize("ends", ["stall", "truncate", "slow_drip", "malformed_json", "brownout"])
def test_a_batch_whose_reply_breaks_off_on_its_way_was_made(ends: str) -> None:
    """A client that retries has it twice, as at the real providers."""
    assert len(batches_made_under({"kind": ends})) == 1


def batches_made_under(fault: dict[str, Any]) -> list[Batch]:
    asker = Asker({**fault, "first": 1})
    params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": HI}
    decision = asker(
        "anthropic", "POST", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": params}]}
    )
    assert decision.plan.fault == fault["kind"]
    made = asker("anthropic", "GET", "/v1/messages/batches", None)
    assert made.rendering is not None
    listed: list[Batch] = json.loads(made.rendering.body(made.plan))["data"]
    return listed


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ({"kind": "outage"}, 503, "UNAVAILABLE"),
        ({"kind": "key_revoked"}, 400, "INVALID_ARGUMENT"),
        ({"kind": "http_error", "status": 429}, 429, "RESOURCE_EXHAUSTED"),
        ({"kind": "http_error", "status": 429, "variant": "quota_exhausted"}, 429, "RESOURCE_EXHAUSTED"),
        ({"kind": "http_error", "status": 429, "variant": "ramp_limit"}, 429, "RESOURCE_EXHAUSTED"),
        ({"kind": "http_error", "status": 500}, 500, "INTERNAL"),
        ({"kind": "http_error", "status": 504}, 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_gemini_refuses_in_googles_words(fault: dict[str, Any], status: int, name: str) -> None:
    asker = Asker(fault)
    for path in (f"{GEMINI}:generateContent", f"{GEMINI}:streamGenerateContent", f"{GEMINI}:countTokens"):
        problem = asker("gemini", "POST", path, CONTENTS).plan.problem
        assert problem is not None
        error = json.loads(asker.services["gemini"].dialect.error_body(problem, "req_1"))["error"]
        assert (error["code"], error["status"]) == (status, name)


PROMPT = {"model": "gpt-4o", "max_tokens": 1, "messages": [{"role": "user", "content": "x" * 4 * 1500}]}


def cached(asker: Asker, now: float) -> tuple[int, str | None]:
    """Tokens that a long prompt reads from the cache now, and the fault in its row."""
    plan = asker("openai", "POST", "/v1/chat/completions", PROMPT, now).plan
    return plan.cached_input_tokens, plan.fault


def caching(fast_profile: Callable[..., Profile]) -> Profile:
    return fast_profile(prompt_cache={"kind": "automatic"}, context_window=10_000)


def test_what_a_wipe_lost_is_written_again_and_the_row_that_lost_it_says_so(
    fast_profile: Callable[..., Profile],
) -> None:
    asker = Asker({"kind": "cache_wipe", "from_s": 10.0}, profile=caching(fast_profile))
    seen = [cached(asker, now) for now in (0.0, 5.0, 9.99, 10.0, 15.0)]
    assert seen == [(0, None), (1408, None), (1408, None), (0, "cache_wipe"), (1408, None)]


def test_a_wipe_with_an_end_keeps_nothing_until_then_and_brings_nothing_back_after(
    fast_profile: Callable[..., Profile],
) -> None:
    asker = Asker({"kind": "cache_wipe", "from_s": 10.0, "to_s": 20.0}, profile=caching(fast_profile))
    assert [cached(asker, now)[0] for now in (0.0, 5.0)] == [0, 1408]
    during = [cached(asker, now) for now in (10.0, 14.0, 19.99)]
    assert during == [(0, "cache_wipe")] * 3
    assert [cached(asker, now) for now in (20.0, 25.0)] == [(0, "cache_wipe"), (1408, None)]


def test_nothing_comes_back_when_nobody_asks_while_the_cache_is_wiped(
    fast_profile: Callable[..., Profile],
) -> None:
    asker = Asker({"kind": "cache_wipe", "from_s": 10.0, "to_s": 20.0}, profile=caching(fast_profile))
    assert [cached(asker, now) for now in (5.0, 30.0, 35.0)] == [(0, None), (0, "cache_wipe"), (1408, None)]


def test_a_wipe_leaves_the_mark_of_another_fault_on_the_row(fast_profile: Callable[..., Profile]) -> None:
    profile = caching(fast_profile)
    for schedule in (("brownout", "cache_wipe"), ("cache_wipe", "brownout")):
        asker = Asker(*[{"kind": kind, "from_s": 10.0} for kind in schedule], profile=profile)
        cached(asker, 5.0)
        assert cached(asker, 10.0) == (0, "brownout")


def test_wrong_reset_headers_are_marked_and_nothing_else_about_the_reply_changes() -> None:
    plain, skewed = Asker(), Asker({"kind": "clock_skew", "skew_s": -30.0})
    method, path, body = REQUESTS["chat.completions", "openai"]
    before, after = (asker("openai", method, path, body).plan for asker in (plain, skewed))
    assert (after.fault, after.clock_skew_s, after.text) == ("clock_skew", -30.0, before.text)
