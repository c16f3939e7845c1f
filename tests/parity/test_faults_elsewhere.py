"""Every kind of fault at endpoints without generation looks the same to a raw client under both engines."""

import json
from typing import Any

import pytest

from mock_providers import load_profile
from tests.parity.raw_client import Exchange, exchange_bytes, http_request
from tests.parity.seen import BROKEN, GENERATED, UNMARKED, Seen, every_fault
from tests.parity.worlds import Row, in_both, providers, settled_rows

UNPACED = load_profile("unpaced")
ASKED: dict[str, tuple[str, str, str, Any]] = {
    "embeddings": (
        "openai",
        "POST",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": ["a", "b"]},
    ),
    "OpenAI's files": ("openai", "GET", "/v1/files", None),
    "OpenAI's batches": ("openai", "GET", "/v1/batches", None),
    "OpenAI's models": ("openai", "GET", "/v1/models", None),
    "Anthropic's count": (
        "anthropic",
        "POST",
        "/v1/messages/count_tokens",
        {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}]},
    ),
    "Anthropic's batches": ("anthropic", "GET", "/v1/messages/batches", None),
    "Together's model": ("together", "GET", "/v1/models/llama-3-70b", None),
    "Gemini's count": (
        "gemini",
        "POST",
        "/v1beta/models/gemini-2.5-flash:countTokens",
        {"contents": [{"parts": [{"text": "Hi"}]}]},
    ),
    "Gemini's models": ("gemini", "GET", "/v1beta/models", None),
}
NAME_A_MODEL = ("embeddings", "Anthropic's count", "Gemini's count")
"""Requests that a model's retirement refuses."""
NOT_THERE = (*UNMARKED, *GENERATED, "quality_loss")
"""Kinds that change what these endpoints have not: cached prompts, tools and answers."""


async def observe(seen: Seen, asked: str) -> tuple[Exchange, Row]:
    provider, method, path, body = ASKED[asked]
    async with providers(UNPACED, [seen.fault | {"provider": provider}]) as (app, endpoints):
        request = http_request(method, path, endpoints[provider], body, attempt_id="raw/1")
        met = await exchange_bytes(endpoints[provider], request)
        [row] = await settled_rows(app)
        return met, row


@pytest.mark.parametrize("asked", ASKED)
@every_fault
def test_a_fault_affects_other_endpoints_as_it_affects_a_json_reply(seen: Seen, asked: str) -> None:
    on_sockets, in_memory = in_both(lambda: observe(seen, asked))
    assert in_memory == on_sockets
    met, row = in_memory
    provider, kind = ASKED[asked][0], seen.fault["kind"]
    untouched = kind == "retired" and asked not in NAME_A_MODEL
    if kind in GENERATED or untouched:
        seen = Seen(seen.fault)
    status = 0 if kind == "reset" else seen.status_from(provider)
    assert (met.status, met.ended) == (status, seen.json_ended or seen.ended)
    assert (row["ended"], row["status"]) == (seen.row_ended, status)
    assert row["fault"] == (None if kind in NOT_THERE or untouched else kind)
    assert (row["input_tokens"] > 0) == (row["cost_nusd"] > 0) == (seen.billed and asked == "embeddings")
    if met.ended == "whole" and kind != "html_200" and seen.fault.get("variant") != "html":
        assert readable("\n\n".join(met.parts)) is (kind not in BROKEN)


def readable(text: str) -> bool:
    try:
        json.loads(text.replace(" <moment>", "0"))
    except ValueError:
        return False
    return True
