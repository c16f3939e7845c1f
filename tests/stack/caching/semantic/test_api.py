"""Embeddings of a provider: their time and cost are on the call's facts, and a failure is only a miss."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from harness.stack.caching.semantic.embedding.api import ApiEmbedder
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from harness.stack.money.price import Price
from harness.stack.upstream.endpoint import Endpoint
from harness.virtual import run_virtual
from mock_providers import Catalogue, Question, load_profile
from tests.lab.lab import Lab, Scene, play, target

ASKED, REWORDED = "How do I cancel my order?", "I want to undo what I bought"
KNOWN = Catalogue(
    [
        Question(
            id="q1",
            question=ASKED,
            answer="Press the red button.",
            wrong=("Wait.",),
            difficulty="easy",
            paraphrases=(REWORDED,),
        )
    ]
)


class Canned(httpx.AsyncBaseTransport):
    """Answers every request alike, after a while."""

    def __init__(self, status: int, body: bytes, after_s: float = 0.1) -> None:
        self._reply, self._after_s = (status, body), after_s
        self.requests: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((dict(request.headers), orjson.loads(request.content)))
        await asyncio.sleep(self._after_s)
        return httpx.Response(self._reply[0], content=self._reply[1])


def embedded(*vectors: Any, tokens: Any = 7) -> bytes:
    data = [{"index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    return orjson.dumps({"data": data[::-1], "usage": {"prompt_tokens": tokens}})


def embedder(transport: httpx.AsyncBaseTransport, **more: Any) -> ApiEmbedder:
    price = Price.per_million("0.02", "0")
    return ApiEmbedder(transport, Endpoint("http://p.test/v1", "sk-e"), "openai", "te", price, 2, **more)


async def test_vectors_come_in_order_and_are_paid_for() -> None:
    as_base64 = base64.b64encode(np.array([0.0, 2.0], dtype="<f4").tobytes()).decode()
    canned, facts = Canned(200, embedded([3.0, 4.0], as_base64), after_s=0.0), CallFacts("c1")
    vectors = await embedder(canned, shortened=True).embed(["a", "b"], facts)
    assert vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 1.0]]
    [(headers, body)] = canned.requests
    assert (headers["authorization"], headers["x-client-request-id"]) == ("Bearer sk-e", "c1/1")
    assert body == {"model": "te", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 2}
    [attempt] = facts.attempts
    assert (attempt.kind, attempt.outcome, attempt.input_tokens, attempt.cost_nusd) == (
        "embedding",
        "success",
        7,
        140,
    )
    assert facts.answered_by is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "cost_nusd"),
    [
        (500, b"oops", "server_error", 0),
        (429, b"{}", "rate_limited", 0),
        (200, b"<html>", "malformed", 40),
        (200, b"{}", "malformed", 40),
        (200, embedded([1.0, 0.0]), "malformed", 40),
        (200, embedded([1.0], [0.0]), "malformed", 40),
        (200, embedded([1.0, 0.0], [float("nan"), 0.0]), "malformed", 40),
        (200, embedded([1.0, 0.0], "not base64"), "malformed", 40),
    ],
)
async def test_whatever_is_wrong_is_a_providers_failure(
    status: int, body: bytes, kind: str, cost_nusd: int
) -> None:
    facts = CallFacts("c1")
    with pytest.raises(ProviderError) as failed:
        await embedder(Canned(status, body, after_s=0.0)).embed(["a", "b"], facts)
    [attempt] = facts.attempts
    assert failed.value.kind == attempt.error_kind == kind
    assert (attempt.outcome, attempt.cost_nusd) == ("failed", cost_nusd)


@pytest.mark.parametrize("tokens", [-1, 0, 10**12])
async def test_a_count_that_cannot_be_true_is_estimated_and_marked(tokens: int) -> None:
    facts = CallFacts("c1")
    body = embedded([1.0, 0.0], [1.0, 0.0], tokens=tokens)
    assert len(await embedder(Canned(200, body, after_s=0.0)).embed(["a", "b"], facts)) == 2
    [attempt] = facts.attempts
    assert (attempt.outcome, attempt.usage_known, attempt.cost_nusd) == ("success", False, 40)


def test_a_late_reply_is_not_waited_for_and_may_be_billed() -> None:
    async def main() -> None:
        facts = CallFacts("c1")
        with pytest.raises(ProviderError) as failed:
            await embedder(Canned(200, b"", after_s=5.0), timeout_s=0.5).embed(["a"], facts)
        [attempt] = facts.attempts
        assert (failed.value.kind, attempt.end_s) == ("timeout_total", attempt.started_s + 0.5)
        assert (attempt.outcome, attempt.usage_known, attempt.cost_nusd) == ("failed", False, 20)

    run_virtual(main())


def test_a_caller_that_leaves_is_let_go_and_the_attempt_is_settled() -> None:
    async def main() -> None:
        facts = CallFacts("c1")
        task = asyncio.create_task(embedder(Canned(200, b"", after_s=5.0)).embed(["a"], facts))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task])
        [attempt] = facts.attempts
        assert (task.cancelled(), attempt.outcome, attempt.end_s) == (
            True,
            "abandoned",
            attempt.started_s + 0.2,
        )

    run_virtual(main())


async def ask(lab: Lab, id: str, text: str) -> CallFacts:
    assert (await lab.ask(id, messages=(Message("user", f"Question: {text}"),))).text
    return lab.facts[-1]


def with_semantic_cache(scene: Scene, faults: Sequence[dict[str, Any]] = ()) -> None:
    """A stack whose semantic cache asks the mock provider for embeddings."""
    table = {"embedder": "api", "policy": "plain", "threshold": 0.6, "audit_share": 0.0}
    profile, chain = load_profile("typical"), [target("openai")]
    play(scene, profile=profile, answers=KNOWN, faults=faults, target=chain, semantic_cache=table)


def test_a_paraphrase_in_other_words_is_found_and_the_bill_agrees() -> None:
    async def scene(lab: Lab) -> None:
        told = [await ask(lab, "c1", ASKED), await ask(lab, "c2", REWORDED)]
        assert [facts.cache for facts in told] == ["miss", "semantic"]
        assert [[attempt.kind for attempt in facts.attempts] for facts in told] == [
            ["embedding", "primary"],
            ["embedding"],
        ]
        billed = {row.attempt_id: row.cost_nusd for row in lab.rows}
        assert {attempt.attempt_id: attempt.cost_nusd for attempt in lab.attempts} == billed
        assert told[1].attempts[0].end_s is not None
        assert told[1].attempts[0].end_s > told[1].attempts[0].started_s

    with_semantic_cache(scene)


def test_without_embeddings_every_call_is_answered_all_the_same() -> None:
    async def scene(lab: Lab) -> None:
        told = [await ask(lab, "c1", ASKED), await ask(lab, "c2", ASKED)]
        assert [facts.cache for facts in told] == ["miss", "miss"]
        assert [facts.attempts[0].outcome for facts in told] == ["failed", "failed"]

    fault = {"kind": "http_error", "status": 503, "endpoint": "embeddings"}
    with_semantic_cache(scene, [fault])
