"""Gemini's embeddings, streams without server-sent events, versions, and its OpenAI-compatible API."""

import json
from typing import Any

import httpx
import openai
import pytest

from harness.virtual import run_virtual
from mock_providers import MockApp, load_profile, parse_faults
from tests.lab.providers import open_providers

TODAY = load_profile("today")
TEXT = {"parts": [{"text": "Hello there"}]}
HI: dict[str, Any] = {"contents": [{"parts": [{"text": "Hi, in about 20 tokens"}]}]}
FLASH = "models/gemini-3.8-flash"


def asked(path: str, body: Any = None, *, faults: Any = (), **query: str) -> httpx.Response:
    """The response to one request to Gemini, in virtual time; a GET without a body."""

    async def main() -> httpx.Response:
        app = MockApp(TODAY, seed=1, faults=parse_faults(list(faults), TODAY))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app.provider("gemini")), base_url="http://g"
        ) as client:
            headers = {"x-goog-api-key": "k"}
            if body is None:
                return await client.get(path, headers=headers, params=query)
            return await client.post(path, headers=headers, params=query, json=body)

    return run_virtual(main())


def test_one_text_is_embedded_and_so_are_several() -> None:
    one = asked("/v1beta/models/gemini-embedding-001:embedContent", {"content": TEXT}).json()
    requests = [{"model": "models/gemini-embedding-001", "content": TEXT}, {"content": TEXT}]
    two = asked("/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": requests}).json()
    assert len(one["embedding"]["values"]) == 3072
    assert [each["values"] for each in two["embeddings"]] == [one["embedding"]["values"]] * 2
    assert (one["usageMetadata"]["promptTokenCount"], two["usageMetadata"]["promptTokenCount"]) == (3, 6)


def test_embeddings_are_shortened_as_asked() -> None:
    path = "/v1/models/gemini-embedding-001:embedContent"
    short = asked(path, {"content": TEXT, "outputDimensionality": 256, "taskType": "RETRIEVAL_QUERY"}).json()
    values = short["embedding"]["values"]
    assert len(values) == 256
    assert sum(value * value for value in values) == pytest.approx(1.0, abs=1e-5)
    too_many = asked(path, {"content": TEXT, "output_dimensionality": 4000})
    assert (too_many.status_code, too_many.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "body", [{}, {"requests": []}, {"requests": [{}]}, {"requests": [{"content": {}}]}, {"nope": 1}, []]
)
def test_a_batch_that_cannot_be_read_is_an_invalid_argument(body: Any) -> None:
    refused = asked("/v1beta/models/gemini-embedding-001:batchEmbedContents", body)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha", "v1/v1beta", "v1//v1beta/"])
def test_every_version_and_any_slashes_lead_to_the_same_reply(version: str) -> None:
    usual = asked(f"/v1beta/{FLASH}:generateContent", HI).json()
    assert asked(f"/{version}/{FLASH}:generateContent", HI).json() == usual


def test_a_stream_without_sse_is_an_array_with_the_same_items() -> None:
    array = asked(f"/v1beta/{FLASH}:streamGenerateContent", HI)
    sse = asked(f"/v1beta/{FLASH}:streamGenerateContent", HI, alt="sse")
    assert array.headers["content-type"].startswith("application/json")
    assert sse.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in sse.text.split("\r\n\r\n") if line]
    assert array.json() == events
    assert len(events) > 3


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ({"kind": "in_band_error", "status": 503, "after_chunks": 2}, "]"),
        ({"kind": "truncate", "after_chunks": 2}, "}"),
        ({"kind": "malformed_json", "after_chunks": 1}, "]"),
        ({"kind": "malformed_sse", "after_chunks": 1}, "]"),
        ({"kind": "early_headers", "gap_s": 0.1}, "]"),
    ],
)
def test_faults_strike_a_streamed_array_too(fault: dict[str, Any], ends: str) -> None:
    text = asked(f"/v1beta/{FLASH}:streamGenerateContent", HI, faults=[fault]).text
    assert text.strip().startswith("[")
    assert text.endswith(ends)
    if fault["kind"] == "in_band_error":
        *whole, last = json.loads(text)
        assert (len(whole), last["error"]["code"]) == (2, 503)
    elif fault["kind"] == "early_headers":
        assert json.loads(text)[-1]["candidates"][0]["finishReason"] == "STOP"
    else:
        with pytest.raises(ValueError, match=r"char|delimiter"):
            json.loads(text)


def test_the_openai_sdk_talks_to_geminis_compatible_api() -> None:
    async def main() -> None:
        async with open_providers(MockApp(TODAY, seed=1)) as endpoints:
            base_url = f"{endpoints['gemini'].base_url}/v1beta/openai/"
            sdk = openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0)
            messages: Any = [{"role": "user", "content": "Hi, in about 12 tokens"}]
            chat = await sdk.chat.completions.create(model="gemini-3.8-flash", messages=messages)
            assert (chat.model, chat.usage and chat.usage.completion_tokens) == ("gemini-3.8-flash", 12)
            stream = await sdk.chat.completions.create(
                model="gemini-3.8-flash", messages=messages, stream=True
            )
            chunks = [chunk async for chunk in stream]
            assert chunks[-1].choices[0].finish_reason == "stop"
            vectors = await sdk.embeddings.create(model="gemini-embedding-001", input="a")
            assert len(vectors.data[0].embedding) == 3072
            listed = [model.id async for model in await sdk.models.list()]
            assert "models/gemini-3.8-flash" in listed
            one = await sdk.models.retrieve("models/gemini-3.8-flash")
            assert one.owned_by == "google"
            with pytest.raises(openai.NotFoundError, match="gemini-0"):
                await sdk.chat.completions.create(model="gemini-0", messages=messages)

    run_virtual(main())
