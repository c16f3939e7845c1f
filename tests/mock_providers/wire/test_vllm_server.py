"""A server that runs vLLM: its parameters, its own endpoints, legacy completions; keyless."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual import run_virtual
from mock_providers import MockApp, load_profile
from mock_providers.exchange import tokens
from mock_providers.wire.openai.vllm.token_ids import SIZE, Vocabulary, text_of
from tests.lab.providers import open_providers

HOSTED = load_profile("self-hosted")
MODEL = "llama-3-8b"
HI: Any = [{"role": "user", "content": "Hi, in about 12 tokens"}]
Talk = Callable[[httpx.AsyncClient, str], Awaitable[Any]]


def with_client(talk: Talk, profile: str = "self-hosted", provider: str = "vllm") -> Any:
    """The result of `talk` with a keyless client and the server's origin, in virtual time."""

    async def main() -> Any:
        async with open_providers(MockApp(load_profile(profile), seed=1)) as endpoints:
            origin = endpoints[provider].base_url.removesuffix("/v1")
            async with httpx.AsyncClient(base_url=origin, timeout=600) as client:
                return await talk(client, origin)

    return run_virtual(main())


def posted(path: str, body: Any) -> httpx.Response:
    async def talk(client: httpx.AsyncClient, origin: str) -> httpx.Response:
        return await client.post(path, json=body)

    response: httpx.Response = with_client(talk)
    return response


def chat(**more: Any) -> httpx.Response:
    return posted("/v1/chat/completions", {"model": MODEL, "messages": HI, **more})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("most", [1, 5, 40])
def test_a_reply_that_ignores_its_end_has_exactly_max_tokens(most: int, stream: bool) -> None:
    body = {"model": MODEL, "messages": HI, "max_tokens": most, "ignore_eos": True, "stream": stream}
    reply = posted("/v1/chat/completions", {**body, "stream_options": {"include_usage": True}})
    assert re.search(rf'"completion_tokens":\s*{most}\b', reply.text)
    assert '"finish_reason":"length"' in reply.text


@pytest.mark.parametrize(("least", "expected"), [(0, 12), (12, 12), (30, 30)])
def test_a_reply_has_min_tokens(least: int, expected: int) -> None:
    assert chat(min_tokens=least).json()["usage"]["completion_tokens"] == expected


def test_parameters_of_vllm_and_unknown_ones_are_taken() -> None:
    reply = chat(
        top_k=20,
        min_p=0.1,
        repetition_penalty=1.1,
        chat_template_kwargs={"enable_thinking": False},
        guided_choice=["a"],
        priority=1,
        whatever=True,
    )
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"min_tokens": -1}, {"min_tokens": "a"}, {"ignore_eos": 3}, {"max_tokens": 5, "min_tokens": 9}]
)
def test_wrong_values_are_refused_as_vllm_does(wrong: dict[str, Any]) -> None:
    refused = chat(**wrong)
    assert (refused.status_code, refused.json()["object"]) == (400, "error")


def test_openai_refuses_vllms_parameters_and_wants_a_key() -> None:
    async def talk(client: httpx.AsyncClient, origin: str) -> None:
        body = {"model": "gpt-4o", "messages": HI}
        keyless = await client.post("/v1/chat/completions", json=body)
        assert keyless.status_code == 401
        key = {"authorization": "Bearer k"}
        refused = await client.post("/v1/chat/completions", json={**body, "ignore_eos": True}, headers=key)
        assert refused.status_code == 400
        assert (await client.get("/health", headers=key)).status_code == 404

    with_client(talk, "typical", "openai")


def test_health_version_and_models() -> None:
    async def talk(client: httpx.AsyncClient, origin: str) -> None:
        health = await client.get("/health")
        assert (health.status_code, health.content) == (200, b"")
        assert re.fullmatch(r"\d+\.\d+\.\d+", (await client.get("/version")).json()["version"])
        models = (await client.get("/v1/models")).json()["data"]
        assert [(model["id"], model["max_model_len"]) for model in models] == [
            (id_, model.context_window) for id_, model in HOSTED.providers["vllm"].models.items()
        ]

    with_client(talk)


def test_tokens_are_ids_and_back() -> None:
    async def talk(client: httpx.AsyncClient, origin: str) -> None:
        text = "The quick brown fox, the quick brown fox"
        made = (await client.post("/tokenize", json={"model": MODEL, "prompt": text})).json()
        assert made["count"] == len(made["tokens"]) == tokens.count(text)
        assert made["max_model_len"] == 8192
        back = await client.post("/detokenize", json={"model": MODEL, "tokens": made["tokens"]})
        assert back.json() == {"prompt": text}
        strings = await client.post("/tokenize", json={"prompt": text, "return_token_strs": True})
        assert "".join(strings.json()["token_strs"]) == text
        assert (await client.post("/tokenize", json={"messages": HI})).json()["count"] == 6
        for wrong in ({}, {"tokens": ["a"]}, {"tokens": [-1]}):
            assert (await client.post("/detokenize", json=wrong)).status_code == 400

    with_client(talk)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_text_comes_back_from_its_ids(texts: list[str]) -> None:
    vocabulary = Vocabulary()
    ids = [vocabulary.encode(text) for text in texts]
    assert [vocabulary.decode(each) for each in ids] == texts
    assert all(0 <= id_ < SIZE for each in ids for id_ in each)
    assert len(text_of(SIZE - 1)) == 4


def test_a_full_vocabulary_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_providers.wire.openai.vllm.token_ids.SIZE", 8)
    vocabulary = Vocabulary()
    for nth in range(50):
        text = f"{nth:04}"
        assert vocabulary.decode(vocabulary.encode(text)) == text


def metric(text: str, name: str) -> float:
    """The sum of a metric over the models."""
    return sum(float(value) for value in re.findall(rf"^vllm:{name}\{{.*\}} (\S+)$", text, re.MULTILINE))


def test_metrics_have_vllms_names_and_the_ledgers_numbers() -> None:
    async def talk(client: httpx.AsyncClient, origin: str) -> None:
        fresh = (await client.get("/metrics")).text
        assert metric(fresh, "num_requests_running") == metric(fresh, "generation_tokens_total") == 0
        body = {"model": MODEL, "messages": HI, "max_tokens": 100, "min_tokens": 100}
        replies = [asyncio.create_task(client.post("/v1/chat/completions", json=body)) for _ in range(5)]
        await asyncio.sleep(0.5)
        assert metric((await client.get("/metrics")).text, "num_requests_running") == 5
        usage = [(await reply).json()["usage"] for reply in replies]
        await asyncio.sleep(1)
        text = (await client.get("/metrics")).text
        assert metric(text, "num_requests_running") == metric(text, "num_requests_waiting") == 0
        assert metric(text, "generation_tokens_total") == sum(each["completion_tokens"] for each in usage)
        assert metric(text, "prompt_tokens_total") == sum(each["prompt_tokens"] for each in usage)
        assert metric(text, "request_success_total") == 5
        for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds"):
            assert metric(text, f"{name}_count") == 5
        assert 0 < metric(text, "e2e_request_latency_seconds_sum") / 5 < 10
        assert text.endswith("\n")

    with_client(talk)


def test_the_openai_sdk_completes_prompts() -> None:
    async def talk(client: httpx.AsyncClient, origin: str) -> None:
        async with openai.AsyncOpenAI(base_url=origin, api_key="EMPTY", max_retries=0) as sdk:
            whole = await sdk.completions.create(
                model=MODEL, prompt="Go on, in about 9 tokens", max_tokens=50
            )
            assert whole.usage is not None
            assert (whole.object, whole.usage.completion_tokens) == ("text_completion", 9)
            short = await sdk.completions.create(model=MODEL, prompt="Go on, in about 90 tokens")
            assert short.usage is not None
            assert (short.usage.completion_tokens, short.choices[0].finish_reason) == (16, "length")
            many = await sdk.completions.create(model=MODEL, prompt=["a", "b"], n=2, echo=True)
            assert [choice.text[0] for choice in many.choices] == ["a", "a", "b", "b"]
            ids = await sdk.completions.create(model=MODEL, prompt=[1, 2, 3])
            assert ids.usage is not None
            assert ids.usage.prompt_tokens == 3 + tokens.TOKENS_PER_MESSAGE + tokens.TOKENS_PER_REQUEST
            stream = await sdk.completions.create(
                model=MODEL,
                prompt="Go on, in about 9 tokens",
                stream=True,
                stream_options={"include_usage": True},
            )
            chunks = [chunk async for chunk in stream]
            assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.completion_tokens == 9
            with pytest.raises(openai.BadRequestError):
                await sdk.completions.create(model=MODEL, prompt=[])

    with_client(talk)
