"""A prompt cache hit saves the prefill of the tokens read, nothing else. No sockets here."""

import json
import math
import statistics
from typing import Any

import pytest

from mock_providers import Catalogue, load_profile
from mock_providers.engine.planner import ReplyContext, plan_reply
from mock_providers.engine.state import Admission
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.exchange.request import Message, Request
from mock_providers.faults.base import FaultEffects, Refusals
from mock_providers.limits.limits import Verdict
from mock_providers.plan import Plan
from mock_providers.profile import Model
from mock_providers.prompt_cache.cache import CacheUse
from mock_providers.server.service import Service
from mock_providers.wire.openai.errors import OpenAIErrors

OBSERVED = load_profile("observed")
CACHING = [
    pytest.param(name, model_id, model, id=model_id)
    for name, provider in OBSERVED.providers.items()
    for model_id, model in provider.models.items()
    if model.prompt_cache is not None
]
HEADERS = {b"authorization": b"Bearer k", b"anthropic-version": b"2026-10-21"}
LONG = "x" * 4 * 20_000


def planned(model_id: str, model: Model, read_tokens: int, draws: Draws) -> Plan:
    context = ReplyContext(
        model_id,
        model,
        OBSERVED.reply_length,
        Catalogue(()),
        (),
        FaultEffects(),
        Refusals(OpenAIErrors("org"), 0.0),
    )
    request = Request(model_id, (Message.of("user", LONG),), "digest", stream=True)
    return plan_reply(context, request, Admission(Verdict(), cached=CacheUse(read_tokens)), draws)


@pytest.mark.parametrize(("name", "model_id", "model"), CACHING)
def test_of_one_reply_a_hit_saves_exactly_the_prefill_of_what_it_reads(
    name: str, model_id: str, model: Model
) -> None:
    for seed in range(50):
        miss = planned(model_id, model, 0, Draws(seed))
        for read_tokens in (1024, 4096, 19_968):
            hit = planned(model_id, model, read_tokens, Draws(seed))
            saved_s = read_tokens * model.prefill_s_per_token
            assert saved_s > 0
            assert miss.ttft_s - hit.ttft_s == pytest.approx(saved_s, rel=1e-9)
            assert hit.text == miss.text
            gaps = [(a.due_s - miss.ttft_s, b.due_s - hit.ttft_s) for a, b in zip(miss.pieces, hit.pieces)]  # noqa: B905  # the texts are equal
            assert all(a == pytest.approx(b, abs=1e-9) for a, b in gaps)


@pytest.mark.parametrize(("name", "model_id", "model"), CACHING)
def test_over_many_requests_hits_come_sooner_by_the_saved_prefill(
    name: str, model_id: str, model: Model
) -> None:
    """Without slow modes, whose few draws would hide it; four standard errors of a mean."""
    n, plain = 300, model.model_copy(update={"ttft": model.ttft.model_copy(update={"slow": None})})
    models = {model_id: plain.model_copy(update={"limits": type(plain.limits)()})}
    provider = OBSERVED.providers[name].model_copy(update={"models": models})
    profile = OBSERVED.model_copy(update={"providers": {name: provider}})
    service = Service(name, profile, Catalogue(()), Draws(1))
    misses, hits, read = [], [], 0
    for nth in range(n):
        now = nth * 10_000.0
        misses.append(asked(service, name, model_id, nth, "first", now).ttft_s)
        hit = asked(service, name, model_id, nth, "second", now + 60.0)
        hits.append(hit.ttft_s)
        read = hit.cached_input_tokens
        assert read > 19_000
    error_s = math.sqrt((statistics.variance(misses) + statistics.variance(hits)) / n)
    saved_s = statistics.fmean(misses) - statistics.fmean(hits)
    assert abs(saved_s - read * model.prefill_s_per_token) < 4 * error_s
    if name == "anthropic":
        assert saved_s > 4 * error_s  # so much is saved that it could not be missed


def asked(service: Service, name: str, model_id: str, nth: int, question: str, now: float) -> Plan:
    """The plan for a long prompt of its own, with a short question after it."""
    text: dict[str, Any] = {"type": "text", "text": f"{nth:08d}{LONG}"}
    path = "/v1/chat/completions"
    if name == "anthropic":
        text, path = {**text, "cache_control": {"type": "ephemeral"}}, "/v1/messages"
    content = [text, {"type": "text", "text": question}]
    body = {"model": model_id, "max_tokens": 5, "messages": [{"role": "user", "content": content}]}
    received = Received("POST", path, HEADERS, {}, json.dumps(body).encode())
    return service.decide(service.arrival(received), received, (), Instant(now, now, 1e9 + now)).plan
