"""`brownout mock` and `brownout gateway` as servers of their own, asked by the official SDKs, unmodified."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.processes import WITHIN_S

ASK: Any = [
    {"role": "user", "content": "Question: What is the capital of France?\nAnswer in about 20 tokens."}
]


@contextmanager
def server(*args: str, **env: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """A command with --json: what it printed when ready. It must end well when asked to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *args, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, said) == (0, "")


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, str]]:
    with server("mock") as (urls, _):
        yield urls


@pytest.fixture(scope="module")
def gateway(providers: dict[str, str]) -> Iterator[str]:
    urls = {f"{name.upper()}_BASE_URL": providers[name] for name in ("openai", "anthropic", "together")}
    keys = {f"{name.upper()}_API_KEY": "any" for name in ("openai", "anthropic", "together")}
    with server("gateway", "full", **urls, **keys) as (ready, _):
        yield ready["url"]


def tokens(text: str) -> int:
    """The providers' rule: four characters a token."""
    return -(-len(text) // 4)


def text_of(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@pytest.mark.parametrize("name", ["openai", "together"])
def test_the_openai_sdk_chats_and_streams_with_the_mock(name: str, providers: dict[str, str]) -> None:
    model = "gpt-4o-mini" if name == "openai" else "meta-llama/Llama-3-70b-chat-hf"
    with openai.OpenAI(base_url=providers[name], api_key="any", max_retries=0) as client:
        whole = client.chat.completions.create(model=model, messages=ASK)
        stream = client.chat.completions.create(model=model, messages=ASK, stream=True)
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 20
        assert whole.choices[0].finish_reason == "stop"
        assert tokens(text_of(stream)) == 20


def test_the_anthropic_sdk_chats_and_streams_with_the_mock(providers: dict[str, str]) -> None:
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": ASK}
    with anthropic.Anthropic(base_url=providers["anthropic"], api_key="any", max_retries=0) as client:
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = "".join(stream.text_stream)
        assert (whole.usage.output_tokens, whole.stop_reason) == (20, "end_turn")
        assert tokens(streamed) == 20


def test_any_openai_client_works_with_the_gateway_unchanged(gateway: str) -> None:
    with openai.OpenAI(base_url=gateway, api_key="any", max_retries=0) as client:
        whole = client.chat.completions.create(model="gpt-4o", messages=ASK)
        stream = client.chat.completions.create(
            model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        assert whole.choices[0].message.content is not None
        assert tokens(whole.choices[0].message.content) == tokens(text_of(chunks)) == 20
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 20


def test_the_gateway_tells_its_facts_in_headers_and_in_a_comment(gateway: str) -> None:
    body = {"model": "gpt-4o", "messages": ASK, "stream": True, "temperature": 0.1}
    answered = httpx.post(
        f"{gateway}/chat/completions",
        json=body,
        headers={"x-brownout-call-id": "mine", "x-brownout-facts": "comment"},
    )
    assert answered.headers["x-brownout-call-id"] == "mine"
    assert answered.headers["x-brownout-provider"] == "openai"
    comment = next(line for line in answered.text.splitlines() if line.startswith(": brownout "))
    facts = json.loads(comment.removeprefix(": brownout "))
    assert (facts["call_id"], facts["attempts"], facts["cache"]) == ("mine", 1, "miss")
    assert facts["cost_nusd"] > 0
    assert answered.text.index(comment) < answered.text.index("data: [DONE]")


def test_an_outage_set_by_hand_is_survived_by_the_gateway(providers: dict[str, str], gateway: str) -> None:
    admin = providers["admin"]
    faults = f"{admin}/_mock/faults"
    httpx.post(faults, json=[{"kind": "outage", "provider": "openai"}]).raise_for_status()
    try:
        body = {"model": "gpt-4o", "messages": ASK, "max_tokens": 50}
        answered = httpx.post(f"{gateway}/chat/completions", json=body, timeout=20)
    finally:
        httpx.post(faults, json=[]).raise_for_status()
    assert answered.status_code == 200
    assert answered.headers["x-brownout-provider"] == "anthropic"
    assert answered.headers["x-brownout-attempts"] == "3"


def test_the_providers_list_their_models_and_their_health(providers: dict[str, str]) -> None:
    models = httpx.get(f"{providers['openai']}/models", headers={"authorization": "Bearer any"}).json()
    assert "gpt-4o" in [model["id"] for model in models["data"]]
    assert httpx.get(f"{providers['admin']}/_mock/health").status_code == 200
