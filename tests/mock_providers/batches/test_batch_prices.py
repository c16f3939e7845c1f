"""A batch item costs half, embeddings as well as replies. No sockets here."""

import json
from typing import Any

import pytest

from mock_providers import Catalogue, make_profile
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.ledger.entry import Entry
from mock_providers.ledger.row import LedgerRow
from mock_providers.profile import Profile
from mock_providers.server.service import Service

HEADERS = {b"authorization": b"Bearer k", b"content-type": b"multipart/form-data; boundary=B"}
CHAT = "/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
EMBEDDINGS = "/v1/embeddings", {"model": "embed", "input": ["one text", "another"]}
DONE_S = 1e6


def profile(embedding_price: str) -> Profile:
    at_once = {"kind": "constant", "value_s": 0.0}
    model = {
        "tier": "fast",
        "price": {"input": "0.15", "output": "0.60"},
        "ttft": at_once,
        "pace": {"tokens_per_s": 100.0},
        "accuracy": {"easy": 1.0, "medium": 1.0, "hard": 1.0},
        "context_window": 1000,
        "max_output_tokens": 1000,
    }
    embedding = {"price": {"input": embedding_price}, "latency": at_once, "dimensions": 4}
    provider = {
        "protocol": "openai",
        "models": {"gpt-4o": model},
        "embeddings": {"embed": embedding},
        "batch": {"completion": {"kind": "constant", "value_s": 1.0}},
    }
    return make_profile({"name": "p", "title": "t", "providers": {"openai": provider}})


class Client:
    """One service that takes live requests and batches."""

    def __init__(self, embedding_price: str = "0.02") -> None:
        self.service = Service("openai", profile(embedding_price), Catalogue(()), Draws(0))

    def post(self, path: str, raw: bytes) -> tuple[Any, Entry]:
        received = Received("POST", path, HEADERS, {}, raw)
        instant = Instant(0.0, 0.0, 1e9)
        decision = self.service.decide(self.service.arrival(received), received, (), instant)
        assert decision.rendering is not None
        entry = Entry(decision.info, 0.0, decision.plan, decision.price, 200, "complete")
        entry.sent(decision.plan.pieces, 0.0)
        return json.loads(decision.rendering.body(decision.plan)), entry

    def live(self, path: str, body: dict[str, Any]) -> LedgerRow:
        return self.post(path, json.dumps(body).encode())[1].row(0.0)

    def in_a_batch(self, path: str, body: dict[str, Any], n: int = 1) -> list[LedgerRow]:
        lines = [{"custom_id": str(nth), "method": "POST", "url": path, "body": body} for nth in range(n)]
        content = "\n".join(map(json.dumps, lines))
        form = (
            '--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            '--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
            f"{content}\r\n--B--\r\n"
        )
        file, _ = self.post("/v1/files", form.encode())
        asked = {"input_file_id": file["id"], "endpoint": path, "completion_window": "24h"}
        self.post("/v1/batches", json.dumps(asked).encode())
        instant = Instant(DONE_S, DONE_S, 1e9)
        return [entry.row(0.0) for entry in self.service.settle_batches((), instant)]


@pytest.mark.parametrize(("path", "body"), [CHAT, EMBEDDINGS], ids=["chat", "embeddings"])
def test_what_is_asked_in_a_batch_costs_half_of_what_it_costs_live(path: str, body: dict[str, Any]) -> None:
    live = Client().live(path, body)
    (row,) = Client().in_a_batch(path, body)
    assert row.batch_id is not None
    assert (row.endpoint, row.model, row.input_tokens) == (live.endpoint, live.model, live.input_tokens)
    full_nusd = row.cost_nusd * 2
    price = (150, 600) if path == CHAT[0] else (20, 0)
    assert full_nusd == row.input_tokens * price[0] + row.output_tokens * price[1] > 0
    assert live.cost_nusd == live.input_tokens * price[0] + live.output_tokens * price[1]


def test_half_of_an_odd_price_is_rounded_up_for_each_item() -> None:
    rows = Client("0.001").in_a_batch(EMBEDDINGS[0], {"model": "embed", "input": ["123456789"]}, n=3)
    assert [(row.input_tokens, row.cost_nusd) for row in rows] == [(3, 2)] * 3
