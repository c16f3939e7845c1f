"""Anthropic's API of today: threads, system messages, typed tools, files, usage; with its SDK."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import beta_async_tool

from harness.virtual import run_virtual
from mock_providers import MockApp, load_profile
from mock_providers.endpoints.messages import thread_store
from mock_providers.endpoints.messages.thread_store import LIFE_S, ThreadStore
from mock_providers.wire.anthropic.typed_tools import CLIENT_TOOLS, SERVER_TOOLS
from tests.lab.providers import open_providers

TODAY = load_profile("today")
MODEL = "claude-sonnet-5-5"
BETA = "message-threads-2026-08-12"
HI: Any = {"role": "user", "content": "Hi, in about 12 tokens"}
KEYS = {"x-api-key": "k", "anthropic-version": "2026-10-21"}

Talk = Callable[[anthropic.AsyncAnthropic, MockApp], Awaitable[Any]]


def with_sdk(talk: Talk) -> Any:
    """The result of `talk` with the SDK as the client, in virtual time."""

    async def main() -> Any:
        app = MockApp(TODAY, seed=1)
        async with open_providers(app) as endpoints:
            base_url = endpoints["anthropic"].base_url
            async with anthropic.AsyncAnthropic(base_url=base_url, api_key="k", max_retries=0) as client:
                return await talk(client, app)

    return run_virtual(main())


def posted(body: Any, path: str = "/v1/messages", **headers: str) -> httpx.Response:
    """The response to one request, in virtual time."""

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(MockApp(TODAY, seed=1).provider("anthropic"))
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            return await client.post(path, json=body, headers={**KEYS, **headers})

    return run_virtual(main())


def message(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 200, "messages": [HI], **more}


def test_a_thread_gets_the_reply_that_the_whole_conversation_gets() -> None:
    async def talk(client: anthropic.AsyncAnthropic, app: MockApp) -> None:
        ask = client.beta.messages.create
        more: Any = {"role": "user", "content": "And more, in about 9 tokens"}
        options: Any = {"model": MODEL, "max_tokens": 200, "betas": [BETA]}
        first = await ask(**options, system="Be kind.", messages=[HI], thread={"type": "create"})
        going_on: Any = {"type": "continue", "previous_message_id": first.id}
        second = await ask(**options, messages=[more], thread=going_on)
        said: Any = {"role": "assistant", "content": [{"type": "text", "text": first.content[0].text}]}
        whole = await ask(**options, system="Be kind.", messages=[HI, said, more])
        assert second.usage.input_tokens == whole.usage.input_tokens > first.usage.input_tokens
        digests = [row.prompt_digest for row in app.ledger.rows]
        assert digests[1] == digests[2] != digests[0]

    with_sdk(talk)


def test_a_thread_ends_with_its_time_and_is_continued_once() -> None:
    async def talk(client: anthropic.AsyncAnthropic, app: MockApp) -> None:
        ask = client.beta.messages.create
        options: Any = {"model": MODEL, "max_tokens": 50, "messages": [HI], "betas": [BETA]}
        first = await ask(**options, thread={"type": "create"})
        going_on: Any = {"type": "continue", "previous_message_id": first.id}
        with pytest.raises(anthropic.BadRequestError, match="system: must stay the same") as changed:
            await ask(**options, thread=going_on, system="Other.")
        assert _error_code(changed.value) == "thread_fingerprint_mismatch"
        second = await ask(**options, thread=going_on)
        with pytest.raises(anthropic.BadRequestError) as again:
            await ask(**options, thread=going_on)
        assert _error_code(again.value) == "thread_already_continued"
        await asyncio.sleep(LIFE_S + 60)
        with pytest.raises(anthropic.NotFoundError) as gone:
            await ask(**options, thread={"type": "continue", "previous_message_id": second.id})
        assert _error_code(gone.value) == "thread_not_found"

    with_sdk(talk)


def _error_code(error: anthropic.APIStatusError) -> str:
    body: Any = error.body
    return str(body["error"]["details"]["error_code"])


def test_without_its_beta_a_thread_is_an_unknown_field() -> None:
    refused = posted(message(thread={"type": "create"}))
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "thread: Extra inputs are not permitted"


@pytest.mark.parametrize(
    "thread", [{}, {"type": "x"}, {"type": "continue"}, {"type": "continue", "previous_message_id": 1}, 3]
)
def test_a_thread_that_cannot_be_read_is_refused(thread: Any) -> None:
    refused = posted(message(thread=thread), **{"anthropic-beta": BETA})
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


def test_threads_are_bounded_in_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ThreadStore()
    for nth in range(1_001):
        store.put(f"msg_{nth}", {}, 1, 0.0)
    assert store.get("msg_0", 1.0) is None
    assert store.get("msg_1", 1.0) is not None
    monkeypatch.setattr(thread_store, "_MOST_BYTES", 100)
    store.put("large", {}, 90, 0.0)
    assert store.get("msg_500", 1.0) is None
    assert store.get("large", 1.0) is not None
    assert store.get("large", LIFE_S) is None


def test_the_tool_runner_reaches_an_answer() -> None:
    @beta_async_tool
    async def get_weather(city: str) -> str:
        """The weather.

        Args:
            city: a city
        """
        return f"sunny in {city}"

    async def talk(client: anthropic.AsyncAnthropic, app: MockApp) -> Any:
        asked: Any = [{"role": "user", "content": "What is the weather in Paris? in about 12 tokens"}]
        runner = client.beta.messages.tool_runner(
            model=MODEL, max_tokens=300, tools=[get_weather], messages=asked
        )
        last = await runner.until_done()
        return last.stop_reason, [row.status for row in app.ledger.rows]

    assert with_sdk(talk) == ("end_turn", [200, 200])


def test_a_system_message_may_stand_anywhere() -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "Be kind."}]}
    first, later = posted(message(messages=[system, HI])), posted(message(messages=[HI, system, HI]))
    assert (first.status_code, later.status_code) == (200, 200)
    same = posted(message(system="Be kind."))
    assert first.json()["usage"]["input_tokens"] == same.json()["usage"]["input_tokens"]


TYPED = [
    {"type": f"{kind}_20250124", **({} if kind.endswith("toolset") else {"name": kind})}
    for kind in (*CLIENT_TOOLS, *sorted(SERVER_TOOLS))
]


@pytest.mark.parametrize("tool", TYPED, ids=lambda tool: tool["type"])
def test_typed_tools_are_taken_and_those_of_the_client_called(tool: dict[str, Any]) -> None:
    reply = posted(message(tools=[tool], tool_choice={"type": "any"})).json()
    calls = [block for block in reply["content"] if block["type"] == "tool_use"]
    kind = tool["type"].removesuffix("_20250124")
    assert [call["name"] for call in calls] == ([kind] if kind in CLIENT_TOOLS else [])
    if calls:
        required = CLIENT_TOOLS[kind]["required"]
        assert sorted(calls[0]["input"]) == sorted(required)
    counted = posted({"model": MODEL, "messages": [HI], "tools": [tool]}, "/v1/messages/count_tokens").json()
    assert counted["input_tokens"] == reply["usage"]["input_tokens"]


def test_a_tool_of_an_unknown_type_is_refused() -> None:
    refused = posted(message(tools=[{"type": "mind_reader_20260101", "name": "x"}]))
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


def test_fields_of_a_beta_need_its_header() -> None:
    body = message(fallbacks=[{"model": "claude-haiku-5-5"}])
    assert posted(body).status_code == 400
    assert posted(body, **{"anthropic-beta": "server-side-fallback-2026-07-01, x"}).status_code == 200


def test_the_last_usage_of_a_stream_repeats_the_input() -> None:
    block = {"type": "text", "text": "long " * 2000, "cache_control": {"type": "ephemeral"}}
    streamed = posted(message(stream=True, system=[block])).text
    events = [
        json.loads(line.removeprefix("data: ")) for line in streamed.splitlines() if line[:5] == "data:"
    ]
    start = next(event["message"]["usage"] for event in events if event["type"] == "message_start")
    last = next(event["usage"] for event in events if event["type"] == "message_delta")
    assert start["cache_creation_input_tokens"] > 1000
    for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
        assert last[name] == start[name]
    assert last["output_tokens"] > 1


def test_files_are_stored_listed_and_deleted() -> None:
    async def talk(client: anthropic.AsyncAnthropic, app: MockApp) -> None:
        files = client.beta.files
        made = [await files.upload(file=(f"notes-{nth}.txt", b"hello", "text/plain")) for nth in range(3)]
        assert (made[0].filename, made[0].size_bytes, made[0].mime_type) == ("notes-0.txt", 5, "text/plain")
        listed = [file.id async for file in files.list(limit=2)]
        assert listed == [file.id for file in reversed(made)]
        assert (await files.retrieve_metadata(made[1].id)) == made[1]
        with pytest.raises(anthropic.BadRequestError, match="not downloadable"):
            await files.download(made[1].id)
        assert (await files.delete(made[1].id)).id == made[1].id
        with pytest.raises(anthropic.NotFoundError):
            await files.retrieve_metadata(made[1].id)

    with_sdk(talk)
