"""Model names: which model answers, how the reply names it, unknown names, retirement."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Catalogue, FaultError, Profile, load_profile, parse_faults
from mock_providers.endpoints import PROTOCOLS, Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.faults.base import FaultBase
from mock_providers.http.retirement import retirement_headers
from mock_providers.model_names import candidates, echoed, nearest
from mock_providers.server.service import Service

TODAY = load_profile("today")
ANY = TODAY.model_copy(update={"any_model": True})
DAY_S = 86_400.0
KEYS = {
    b"authorization": b"Bearer k",
    b"x-api-key": b"k",
    b"x-goog-api-key": b"k",
    b"anthropic-version": b"2023-06-01",
}


def decide(
    provider: str,
    model: str,
    profile: Profile = TODAY,
    *,
    wall_s: float = 1_795_000_000.0,
    faults: tuple[FaultBase, ...] = (),
    embed: bool = False,
) -> Decision:
    """The decision about one request for this model; by default on 2026-11-18."""
    service = Service(provider, profile, Catalogue(()), Draws(7))
    path, body = _request(provider, model, embed=embed)
    received = Received("POST", path, KEYS, {}, json.dumps(body).encode())
    return service.decide(service.arrival(received), received, faults, Instant(0.0, 0.0, wall_s))


def _request(provider: str, model: str, *, embed: bool) -> tuple[str, Mapping[str, Any]]:
    if embed:
        return "/v1/embeddings", {"model": model, "input": "a"}
    if provider == "gemini":
        return f"/v1beta/models/{model}:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}
    messages = [{"role": "user", "content": "hi"}]
    if provider == "anthropic":
        return "/v1/messages", {"model": model, "max_tokens": 9, "messages": messages}
    return "/v1/chat/completions", {"model": model, "messages": messages}


def replied(decision: Decision) -> dict[str, Any]:
    """The JSON of the reply."""
    assert decision.rendering is not None
    body: dict[str, Any] = json.loads(decision.rendering.body(decision.plan))
    return body


@pytest.mark.parametrize(
    ("provider", "asked", "named"),
    [
        ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o-2024-11-20"),
        ("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07"),
        ("openai", "gpt-5.6-luna", "gpt-5.6-luna"),
        ("openai", "chatgpt-4o-latest", "chatgpt-4o-latest"),
        ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("gemini", "gemini-flash-latest", "gemini-3.8-flash"),
        ("together", "meta-llama/Llama-3-70b-chat-hf", "meta-llama/Llama-3-70b-chat-hf"),
    ],
)
def test_a_reply_names_the_dated_snapshot_of_an_alias_and_else_what_was_asked(
    provider: str, asked: str, named: str
) -> None:
    reply = replied(decide(provider, asked))
    assert reply["modelVersion" if provider == "gemini" else "model"] == named


@pytest.mark.parametrize("provider", TODAY.providers)
@pytest.mark.parametrize("name", ["gpt-9.9-nova", "my-own-mini", "x"])
def test_an_unknown_model_is_a_404_unless_any_model_is_set(provider: str, name: str) -> None:
    refused = decide(provider, name)
    assert refused.plan.status == 404
    assert refused.info.model == name
    answered = decide(provider, name, ANY)
    reply = replied(answered)
    assert reply["modelVersion" if provider == "gemini" else "model"] == name
    assert answered.info.model in TODAY.providers[provider].models
    assert answered.price == TODAY.providers[provider].models[answered.info.model].price


def test_an_unknown_embedding_model_is_answered_by_the_nearest_one() -> None:
    assert decide("openai", "text-embedding-4-large", embed=True).plan.status == 404
    answered = decide("openai", "text-embedding-4-large", ANY, embed=True)
    assert answered.info.model == "text-embedding-3-large"
    reply = replied(answered)
    assert reply["model"] == "text-embedding-4-large"
    assert len(reply["data"][0]["embedding"]) == 3072


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5.6-mini", "gpt-5.6-luna"),  # the same leading words, of the same tier
        ("gpt-5.7", "gpt-5.6-terra"),
        ("gpt-4o-mini-2099-01-01", "gpt-4o-mini"),
        ("o5", "o3"),
        ("foo-nano", "gpt-6.1-terra"),  # no word in common: the first of its tier
        ("foo", "gpt-6.1-sol"),  # not even a tier: the first
    ],
)
def test_the_nearest_model_has_most_leading_words_then_the_tier_in_common(name: str, expected: str) -> None:
    assert nearest(name, candidates(TODAY.providers["openai"].models)) == expected


@given(st.text(max_size=40), st.sampled_from(sorted(TODAY.providers)))
def test_any_name_has_a_nearest_model_and_a_known_one_is_its_own(name: str, provider: str) -> None:
    models = TODAY.providers[provider].models
    among = candidates(models)
    assert nearest(name, among) in models
    for id_, model in models.items():
        assert echoed(id_, id_, model) == (model.snapshot or id_)


def test_without_models_there_is_none_near() -> None:
    assert nearest("gpt-4o", ()) is None
    assert decide("anthropic", "x", ANY).plan.status == 200


def test_todays_models_have_what_clients_of_today_ask_for_by_default() -> None:
    openai, gemini = TODAY.providers["openai"], TODAY.providers["gemini"]
    for name in ("gpt-5.6-luna", "gpt-5-mini", "gpt-3.5-turbo", "gpt-4o-mini", "o3-mini"):
        assert openai.canonical(name), name
    for name in ("text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large"):
        assert openai.canonical_embedding(name), name
    assert gemini.canonical_embedding("gemini-embedding-001")
    assert not openai.models["gpt-5-mini"].takes_max_tokens("gpt-5-mini")
    assert not TODAY.providers["anthropic"].models["claude-opus-5-5"].takes_prefill("claude-opus-5-5")


def test_the_first_models_do_not_retire() -> None:
    for provider in TODAY.providers.values():
        first = next(iter(provider.models.values()))
        assert first.retires is None


RETIRES_S = TODAY.providers["openai"].models["gpt-4o"].retires_s


@pytest.mark.parametrize("setting", ["warn", "enforce", "ignore"])
def test_a_retirement_is_announced_in_headers_and_carried_out_on_its_day(setting: str) -> None:
    profile = TODAY.model_copy(update={"retirements": setting})
    assert RETIRES_S is not None
    early, before = RETIRES_S - 61 * DAY_S, RETIRES_S - DAY_S
    assert _headers(decide("openai", "gpt-4o", profile, wall_s=early)) == {}
    announced = _headers(decide("openai", "gpt-4o", profile, wall_s=before))
    assert announced == (
        {}
        if setting == "ignore"
        else {b"sunset": b"Thu, 14 Jan 2027 00:00:00 GMT", b"deprecation": b"@%d" % (RETIRES_S - 60 * DAY_S)}
    )
    after = decide("openai", "gpt-4o", profile, wall_s=RETIRES_S)
    assert after.plan.status == (404 if setting == "enforce" else 200)


def _headers(decision: Decision) -> dict[bytes, bytes]:
    return dict(retirement_headers(decision.stamp, decision.plan))


@pytest.mark.parametrize(
    ("provider", "model", "status", "words"),
    [
        ("openai", "gpt-4o", 404, "The model `gpt-4o` has been deprecated, learn more here"),
        ("anthropic", "claude-sonnet-4-5", 404, "model: claude-sonnet-4-5"),
        ("gemini", "gemini-2.5-flash", 404, "models/gemini-2.5-flash is no longer available"),
        ("together", "llama-3-70b", 400, "Unable to access non-serverless model llama-3-70b"),
    ],
)
def test_a_retired_model_is_refused_in_the_providers_words(
    provider: str, model: str, status: int, words: str
) -> None:
    faults = parse_faults([{"kind": "retired", "provider": provider, "model": model}], TODAY)
    refused = decide(provider, model, faults=faults)
    assert refused.plan.status == status
    assert refused.plan.problem is not None
    assert words in refused.plan.problem.message
    dialect = PROTOCOLS[TODAY.providers[provider].protocol].dialect(TODAY.providers[provider])
    assert words.encode() in dialect.error_body(refused.plan.problem, "req_1")


def test_a_deprecation_can_be_played_for_a_model_without_a_day() -> None:
    faults = parse_faults([{"kind": "deprecated", "model": "gpt-5.6-luna", "in_s": 3600}], TODAY)
    decision = decide("openai", "gpt-5.6-luna", faults=faults, wall_s=1_800_000_000.0)
    assert decision.plan.fault == "deprecated"
    assert _headers(decision)[b"sunset"] == b"Fri, 15 Jan 2027 09:00:00 GMT"
    with pytest.raises(FaultError, match="in_s"):
        parse_faults([{"kind": "deprecated", "in_s": -1}], TODAY)
