"""Limits on what may wait, equal ids in a batch, and batch endpoints that are away while live calls work."""

import json
from typing import Any

import pytest

from mock_providers import Catalogue, Profile, load_profile, make_profile, parse_faults
from mock_providers.batches.files import StoredFile
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.server.service import Service

MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
PATHS = {"openai": "/v1/batches", "anthropic": "/v1/messages/batches"}
LIVE = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
Json = dict[str, Any]


def profile(**batch: Any) -> Profile:
    data = load_profile("unpaced").model_dump(mode="json")
    for provider in data["providers"].values():
        provider["batch"] = {"completion": {"kind": "constant", "value_s": 100.0}, **batch}
    return make_profile(data)


class Batches:
    """One provider, asked without a socket."""

    def __init__(self, provider: str, of: Profile, *faults: Json) -> None:
        self.provider = provider
        self._service = Service(provider, of, Catalogue(()), Draws(0))
        self._faults = parse_faults(list(faults), of)
        self._files = 0

    def params(self, text: str) -> Json:
        body: Json = {"model": MODELS[self.provider], "messages": [{"role": "user", "content": text}]}
        return {**body, "max_tokens": 9} if self.provider == "anthropic" else body

    def send(self, path: str, body: Json | None, now: float) -> tuple[Decision, Json]:
        headers = {b"authorization": b"Bearer k", b"anthropic-version": b"2026-10-21"}
        raw = b"" if body is None else json.dumps(body).encode()
        received = Received("GET" if body is None else "POST", path, headers, {}, raw)
        at = Instant(now, now, 1.8e9 + now)
        self._service.settle_batches((), at)
        decision = self._service.decide(self._service.arrival(received), received, self._faults, at)
        if decision.plan.problem is not None:
            return decision, json.loads(self._service.dialect.error_body(decision.plan.problem, "req_1"))
        assert decision.rendering is not None
        return decision, json.loads(decision.rendering.body(decision.plan))

    def create(self, *items: tuple[str, str], now: float = 0.0) -> tuple[Decision, Json]:
        """A batch of these ids and texts."""
        if self.provider == "anthropic":
            requests = [{"custom_id": id_, "params": self.params(text)} for id_, text in items]
            return self.send(PATHS["anthropic"], {"requests": requests}, now)
        lines = [
            {"custom_id": id_, "method": "POST", "url": LIVE["openai"], "body": self.params(text)}
            for id_, text in items
        ]
        self._files += 1
        content = "\n".join(map(json.dumps, lines)).encode()
        file = StoredFile(f"file-{self._files}", "in.jsonl", "batch", content, 1.8e9)
        self._service._context.files.put(file)
        wanted = {"input_file_id": file.id, "endpoint": LIVE["openai"], "completion_window": "24h"}
        return self.send(PATHS["openai"], wanted, now)


def test_openais_batch_fails_when_too_many_tokens_are_enqueued() -> None:
    """platform.openai.com/docs/guides/batch: enqueued prompt tokens per model."""
    batches = Batches("openai", profile(enqueued_tokens=100))
    first = batches.create(("a", "x" * 200))[1]
    second = batches.create(("b", "x" * 200))[1]
    assert (first["status"], second["status"]) == ("validating", "validating")
    failed = batches.send(f"{PATHS['openai']}/{second['id']}", None, 10.0)[1]
    assert failed["status"] == "failed"
    [error] = failed["errors"]["data"]
    assert error["code"] == "token_limit_exceeded"
    assert error["message"] == (
        "Enqueued token limit reached for gpt-4o in organization org-brownout. Limit: 100 enqueued tokens. "
        "Please try again once some in_progress batches have been completed."
    )
    later = batches.create(("c", "x" * 200), now=200.0)[1]
    assert batches.send(f"{PATHS['openai']}/{later['id']}", None, 210.0)[1]["status"] == "in_progress"


def test_anthropics_batch_is_refused_when_too_much_waits() -> None:
    """docs.anthropic.com/en/api/rate-limits: Message Batches API."""
    batches = Batches("anthropic", profile(enqueued_tokens=100))
    assert batches.create(("a", "x" * 200))[0].plan.status == 200
    decision, body = batches.create(("b", "x" * 200))
    assert (decision.plan.status, body["error"]["type"]) == (429, "rate_limit_error")
    assert "processing queue" in body["error"]["message"]
    assert batches.create(("c", "x" * 200), now=200.0)[0].plan.status == 200


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_lenient_server_answers_both_requests_of_one_id(provider: str) -> None:
    """sglang#4026, llm-d-batch-gateway#147: the client cannot tell the answers apart."""
    strict, lenient = (Batches(provider, profile(unique_ids=unique)) for unique in (True, False))
    pair = (("same", "in about 5 tokens"), ("same", "in about 9 tokens"))
    refused, body = strict.create(*pair)
    if provider == "anthropic":
        assert refused.plan.status == 400
    else:
        failed = strict.send(f"{PATHS[provider]}/{body['id']}", None, 10.0)[1]
        assert failed["errors"]["data"][0]["code"] == "duplicate_custom_id"
    created = lenient.create(*pair)[1]
    batch = lenient.send(f"{PATHS[provider]}/{created['id']}", None, 200.0)[1]
    counts = batch["request_counts"]
    assert (counts["completed"] if provider == "openai" else counts["succeeded"]) == 2


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [403, 404, 503])
def test_batches_are_away_while_live_calls_work(provider: str, status: int) -> None:
    """BYK/loreai#164."""
    fault = {"kind": "http_error", "endpoint": "batches", "status": status}
    batches = Batches(provider, profile(), fault)
    assert batches.create(("a", "Hi"))[0].plan.status == status
    live, body = batches.send(LIVE[provider], batches.params("in about 5 tokens"), 0.0)
    assert live.plan.status == 200
    assert body["usage"]
