"""Base URLs as clients write them, Azure's paths, browsers, compressed bodies."""

import gzip
import json
import zlib
from typing import Any

import httpx
import openai
import pyarrow as pa
import pytest

from harness.virtual import run_virtual
from mock_providers import MockApp, load_profile
from tests.lab.providers import open_providers

TODAY = load_profile("today")
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi, in about 5 tokens"}]}
MESSAGE = {**CHAT, "model": "claude-haiku-4-5", "max_tokens": 50}
KEYS = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}


def sent(provider: str, method: str, path: str, **options: Any) -> httpx.Response:
    """The response to one request, in virtual time."""

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(MockApp(TODAY, seed=1).provider(provider))
        async with httpx.AsyncClient(transport=transport, base_url="http://m") as client:
            return await client.request(
                method, path, headers={**KEYS, **options.pop("headers", {})}, **options
            )

    return run_virtual(main())


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        *[
            ("openai", path)
            for path in (
                "/v1/chat/completions",
                "/chat/completions",
                "/v1/v1/chat/completions",
                "/v1/chat/completions/",
                "/v1//chat/completions",
                "/openai/v1/chat/completions",
                "/api/v1/chat/completions",
                "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
            )
        ],
        *[("together", path) for path in ("/v1/chat/completions", "/v1/v1/chat/completions")],
        *[
            ("anthropic", path)
            for path in ("/v1/messages", "/messages", "/anthropic/v1/messages", "/v1/messages/")
        ],
    ],
)
def test_every_spelling_of_a_base_url_reaches_the_endpoint(provider: str, path: str) -> None:
    body = MESSAGE if provider == "anthropic" else CHAT
    body = {**body, "model": "llama-3-70b"} if provider == "together" else body
    assert sent(provider, "POST", path, json=body).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat", "/v1/completions/chat", "/chat/completions/v1", "/v2/x"]
)
def test_other_paths_stay_unknown(path: str) -> None:
    refused = sent("openai", "POST", path, json=CHAT)
    assert refused.status_code == 404
    assert path in refused.json()["error"]["message"]


def test_a_deployment_is_its_model_and_any_name_is_one() -> None:
    async def main() -> None:
        app = MockApp(TODAY, seed=1)
        async with open_providers(app) as endpoints:
            origin = endpoints["openai"].base_url.removesuffix("/v1")
            azure = openai.AsyncAzureOpenAI(
                azure_endpoint=origin, api_key="k", api_version="2024-10-21", max_retries=0
            )
            messages: Any = CHAT["messages"]
            known = await azure.chat.completions.create(model="gpt-4o-mini", messages=messages)
            named = await azure.chat.completions.create(model="my-own-mini", messages=messages)
            vectors = await azure.embeddings.create(model="our-embeddings", input="a")
            assert known.model == "gpt-4o-mini-2024-07-18"
            assert named.model in TODAY.providers["openai"].models
            assert vectors.model == "text-embedding-3-small"
            await azure.close()

    run_virtual(main())


def test_a_browser_may_ask_and_read() -> None:
    asks = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-os",
    }
    allowed = sent("openai", "OPTIONS", "/v1/chat/completions", headers=asks)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert allowed.headers["access-control-allow-headers"] == asks["access-control-request-headers"]
    assert "POST" in allowed.headers["access-control-allow-methods"]
    read = sent("openai", "POST", "/v1/chat/completions", json=CHAT, headers={"origin": "http://a"})
    refused = sent("openai", "POST", "/v1/nothing", json=CHAT, headers={"origin": "http://a"})
    assert (read.headers["access-control-allow-origin"], read.status_code) == ("*", 200)
    assert (refused.headers["access-control-allow-origin"], refused.status_code) == ("*", 404)
    assert (
        "access-control-allow-origin" not in sent("openai", "POST", "/v1/chat/completions", json=CHAT).headers
    )


RAW = json.dumps(CHAT).encode()
ENCODED = {
    "gzip": gzip.compress(RAW),
    "deflate": zlib.compress(RAW),
    "x-gzip": gzip.compress(RAW),
    "zstd": pa.Codec("zstd").compress(RAW, asbytes=True),
    "gzip, deflate": zlib.compress(gzip.compress(RAW)),
    "identity": RAW,
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_compressed_bodies_are_read(encoding: str) -> None:
    headers = {"content-encoding": encoding}
    assert (
        sent("openai", "POST", "/v1/chat/completions", content=ENCODED[encoding], headers=headers).json()[
            "usage"
        ]["completion_tokens"]
        == 5
    )


def test_a_raw_deflate_is_read_and_a_bomb_is_not() -> None:
    raw = zlib.compressobj(wbits=-15)
    body = raw.compress(RAW) + raw.flush()
    headers = {"content-encoding": "deflate"}
    assert sent("openai", "POST", "/v1/chat/completions", content=body, headers=headers).status_code == 200
    bomb = gzip.compress(b" " * 40_000_000)
    assert sent("openai", "POST", "/v1/chat/completions", content=bomb, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", RAW), ("gzip", RAW), ("gzip", gzip.compress(RAW)[:-9]), ("zstd", RAW)]
)
def test_an_unknown_or_broken_encoding_is_refused(encoding: str, body: bytes) -> None:
    headers = {"content-encoding": encoding}
    assert sent("openai", "POST", "/v1/chat/completions", content=body, headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (
            "temperature",
            3,
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3",
        ),
        ("temperature", -0.5, "Invalid 'temperature': decimal below minimum value. Expected a value >= 0"),
        ("top_p", 1.5, "Invalid 'top_p': decimal above maximum value. Expected a value <= 1"),
        ("presence_penalty", -3, "Invalid 'presence_penalty': decimal below minimum value"),
    ],
)
def test_a_sampling_parameter_out_of_range_is_refused(field: str, value: float, words: str) -> None:
    refused = sent("openai", "POST", "/v1/chat/completions", json={**CHAT, field: value})
    assert refused.status_code == 400
    assert words in refused.json()["error"]["message"]


def test_anthropic_refuses_a_temperature_above_one() -> None:
    refused = sent("anthropic", "POST", "/v1/messages", json={**MESSAGE, "temperature": 1.5})
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "temperature: range: 0..1")
