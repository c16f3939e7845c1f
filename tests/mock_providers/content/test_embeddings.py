"""Embeddings: similarity, both encodings, limits, faults and billing."""

import base64
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI

from mock_providers import MockApp, load_profile
from mock_providers.content.embeddings import embed, shortened
from mock_providers.content.questions import Catalogue, Question
from mock_providers.faults.http_error import HttpError

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
MODEL = "text-embedding-3-small"
ASKED, REWORDED = "How do I cancel my order?", "I want to undo what I bought"
CONFUSABLE = "How do I not cancel my order?"


def question(id_: str, text: str, *paraphrases: str) -> Question:
    return Question(
        id=id_, question=text, answer=id_ * 3, wrong=("x",), difficulty="easy", paraphrases=paraphrases
    )


KNOWN = Catalogue([question("q1", ASKED, REWORDED), question("q2", CONFUSABLE)])


def likeness(one: str, other: str, separability: float, catalogue: Catalogue = KNOWN) -> float:
    return float(
        np.dot(embed(one, catalogue, 1536, separability), embed(other, catalogue, 1536, separability))
    )


@pytest.fixture
async def client(serve_mock: ServeMock) -> Any:
    app, urls = await serve_mock(load_profile("unpaced"), answers=None)
    async with AsyncOpenAI(base_url=urls["openai"], api_key="k", max_retries=0) as sdk:
        yield app, urls, sdk


@pytest.mark.parametrize("text", [ASKED, "anything", "", "日本語", "x" * 5000])
@pytest.mark.parametrize("dimensions", [1, 7, 1536])
def test_vectors_have_unit_length(text: str, dimensions: int) -> None:
    assert np.linalg.norm(embed(text, KNOWN, dimensions, 0.5)) == pytest.approx(1.0, abs=1e-5)


def test_paraphrases_and_confusable_questions_are_told_apart_by_separability() -> None:
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    paraphrases = [likeness(ASKED, REWORDED, share) for share in shares]
    confusable = [likeness(ASKED, CONFUSABLE, share) for share in shares]
    assert paraphrases == sorted(paraphrases)
    assert confusable == sorted(confusable, reverse=True)
    assert paraphrases[0] < 0.3 < 0.8 < confusable[0]
    assert confusable[-1] < 0.3 < 0.99 < paraphrases[-1]


def test_texts_from_outside_are_near_when_their_words_are() -> None:
    assert likeness("the cat sat on the mat", "the cat sat on a mat", 0.5) > 0.7
    assert abs(likeness("the cat sat on the mat", "quarterly revenue forecast", 0.5)) < 0.2


def test_vectors_do_not_depend_on_the_process() -> None:
    code = (
        "from mock_providers.content.embeddings import embed; from mock_providers import Catalogue; "
        "print(embed('a cat', Catalogue(()), 64, 0.5).tobytes().hex())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {embed("a cat", Catalogue(()), 64, 0.5).tobytes().hex()}


async def test_the_sdk_gets_the_same_vectors_as_numbers_and_as_base64(client: Any) -> None:
    app, _, sdk = client
    by_default = await sdk.embeddings.create(model=MODEL, input=["a cat", "a dog"])
    numbers = await sdk.embeddings.create(model=MODEL, input=["a cat", "a dog"], encoding_format="float")
    expected = [embed(text, Catalogue(()), 1536, 0.5) for text in ("a cat", "a dog")]
    for reply in (by_default, numbers):
        assert [item.index for item in reply.data] == [0, 1]
        for item, vector in zip(reply.data, expected, strict=True):
            assert np.allclose(item.embedding, vector, atol=1e-6)
        assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (4, 4)
    assert [(row.endpoint, row.input_tokens, row.cost_nusd) for row in app.ledger.rows] == [
        ("embeddings", 4, 4 * 20)
    ] * 2


async def test_fewer_dimensions_are_the_first_ones(client: Any) -> None:
    _, urls, _ = client
    async with httpx.AsyncClient(headers={"authorization": "Bearer k"}) as http:
        body = {"model": MODEL, "input": "a cat", "dimensions": 8, "encoding_format": "base64"}
        reply = (await http.post(urls["openai"] + "/embeddings", json=body)).json()
    vector = np.frombuffer(base64.b64decode(reply["data"][0]["embedding"]), "<f4")
    assert np.allclose(vector, shortened(embed("a cat", Catalogue(()), 1536, 0.5), 8))


async def test_token_ids_are_texts_too(client: Any) -> None:
    _, _, sdk = client
    one = await sdk.embeddings.create(model=MODEL, input=[1, 2, 3])
    two = await sdk.embeddings.create(model=MODEL, input=[[1, 2, 3], [4]])
    assert (len(one.data), one.usage.prompt_tokens) == (1, 3)
    assert (len(two.data), two.usage.prompt_tokens) == (2, 4)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"input": []}, "empty array"),
        ({"input": [""]}, "empty string"),
        ({"input": ["x"] * 2049}, "at most 2048"),
        ({"input": [1.5]}, "input[0]"),
        ({"input": "x" * 40_000}, "maximum context length is 8192"),
        ({"input": "x", "dimensions": 4000}, "1536 dimensions"),
        ({"input": "x", "encoding_format": "hex"}, "'float', 'base64'"),
        ({}, "Missing required parameter: 'input'"),
    ],
)
async def test_bad_input_is_refused_in_openais_words(client: Any, body: dict[str, Any], part: str) -> None:
    _, urls, _ = client
    async with httpx.AsyncClient(headers={"authorization": "Bearer k"}) as http:
        reply = await http.post(urls["openai"] + "/embeddings", json={"model": MODEL, **body})
    assert reply.status_code == 400
    assert part in reply.json()["error"]["message"]


async def test_a_chat_model_embeds_nothing(client: Any) -> None:
    _, _, sdk = client
    with pytest.raises(openai.NotFoundError):
        await sdk.embeddings.create(model="gpt-4o", input="x")


async def test_faults_strike_embeddings_and_only_them_when_aimed(client: Any) -> None:
    app, _, sdk = client
    app.set_faults([HttpError(status=503, endpoint="embeddings")])
    with pytest.raises(openai.InternalServerError):
        await sdk.embeddings.create(model=MODEL, input="x")
    assert (await sdk.models.list()).data
    assert [(row.endpoint, row.fault) for row in app.ledger.rows] == [
        ("embeddings", "http_error"),
        ("models", None),
    ]
