"""A recorded session is answered again word by word; the file has no key in it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from anthropic import AsyncAnthropic
from hypothesis import given
from hypothesis import strategies as st

from harness.commands.serving import serve_apps
from harness.errors import InputError
from harness.recording import Recorder, ScriptFile, Upstream, upstreams_from
from harness.recording.masks import MASK, masked
from mock_providers import MockApp, Profile, load_script, parse_faults, parse_script, serve
from mock_providers.scripts import check_script
from tests.parity.worlds import fast_profile

KEY = "my-own-secret-key-1"
TOOLS: Any = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


@asynccontextmanager
async def running(start: Callable[..., Coroutine[Any, Any, None]]) -> AsyncIterator[dict[str, str]]:
    """The URLs of servers that `start(on_ready, stop)` runs, until the block ends."""
    stop = asyncio.Event()
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(start(urls.set_result, stop))
    yield await urls
    stop.set()
    await task


def mock(app: MockApp) -> Any:
    return running(lambda ready, stop: serve(app, on_ready=ready, stop=stop))


@asynccontextmanager
async def recorder(file: Path, **upstreams: str) -> AsyncIterator[tuple[Recorder, dict[str, str]]]:
    """A recorder in front of these base URLs."""
    ways = [Upstream(name, url) for name, url in upstreams.items()]
    with ScriptFile(file) as script:
        async with httpx.AsyncClient() as client:
            proxy = Recorder(ways, script, client)
            paths = {way.name: way.base_path for way in ways}
            served = running(lambda ready, stop: serve_apps(proxy.apps, "127.0.0.1", {}, paths, ready, stop))
            async with served as urls:
                yield proxy, urls


async def agent(client: openai.AsyncOpenAI) -> list[Any]:
    """A tool loop, a stream and a failure; all that the client saw of it."""
    messages: Any = [{"role": "user", "content": "Look it up with the tool look."}]
    first = await client.chat.completions.create(
        model="gpt-4o", messages=messages, tools=TOOLS, tool_choice="required"
    )
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    calls: Any = first.choices[0].message.tool_calls
    messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "42"})
    second = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
    asked: Any = [{"role": "user", "content": "Write in about 40 tokens."}]
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=asked, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    cut = await client.chat.completions.create(model="gpt-4o", messages=asked, max_tokens=5)
    return [
        [(call.function.name, json.loads(call.function.arguments)) for call in calls],
        second.choices[0].message.content,
        text,
        (cut.choices[0].message.content, cut.choices[0].finish_reason),
    ]


@pytest.fixture
def profile() -> Profile:
    return fast_profile().model_copy(update={"any_model": True})


async def test_a_recorded_session_is_played_again_with_an_outage_in_it(
    tmp_path: Path, profile: Profile
) -> None:
    file = tmp_path / "session.jsonl"
    async with (
        mock(MockApp(profile, seed=1)) as real,
        recorder(file, openai=real["openai"]) as (_, urls),
        openai.AsyncOpenAI(base_url=urls["openai"], api_key=KEY) as client,
    ):
        seen = await agent(client)
    script = check_script(load_script(file), profile)
    outage = parse_faults([{"kind": "outage", "provider": "openai", "first": 2}], profile)
    again = MockApp(profile, seed=2, script=script, faults=outage)
    async with (
        mock(again) as replayed,
        openai.AsyncOpenAI(base_url=replayed["openai"], api_key="k", max_retries=3) as client,
    ):
        assert await agent(client) == seen
    assert sum(row.fault == "outage" for row in again.ledger.rows) == 2
    assert KEY not in file.read_text()


async def test_latency_is_recorded(tmp_path: Path, profile: Profile) -> None:
    slow = parse_script(
        [{"message": "slow", "text": "word " * 40, "ttft_s": 0.2, "tokens_per_s": 200}], profile
    )
    file = tmp_path / "session.jsonl"
    async with (
        mock(MockApp(profile, script=slow)) as real,
        recorder(file, openai=real["openai"]) as (_, urls),
        openai.AsyncOpenAI(base_url=urls["openai"], api_key=KEY) as client,
    ):
        asked: Any = [{"role": "user", "content": "slow"}]
        stream = await client.chat.completions.create(model="gpt-4o", messages=asked, stream=True)
        async for _ in stream:
            pass
    (entry,) = load_script(file)
    assert entry.ttft_s is not None
    assert 0.2 <= entry.ttft_s < 1.0
    assert entry.tokens_per_s is not None
    assert 20 < entry.tokens_per_s < 400


async def test_anthropics_messages_and_errors_are_recorded(tmp_path: Path, profile: Profile) -> None:
    file = tmp_path / "session.jsonl"
    faults = parse_faults([{"kind": "http_error", "status": 529, "first": 1}], profile)
    async with (
        mock(MockApp(profile, faults=faults)) as real,
        recorder(file, anthropic=real["anthropic"]) as (_, urls),
        AsyncAnthropic(base_url=urls["anthropic"], api_key=KEY, max_retries=1) as client,
    ):
        asked: Any = [{"role": "user", "content": f"Say {KEY} in about 9 tokens"}]
        reply: Any = await client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=asked)
    failed, answered = load_script(file)
    assert failed.fault is not None
    assert (failed.fault.kind, failed.first) == ("http_error", 1)
    assert answered.written == reply.content[0].text
    assert KEY not in file.read_text()
    assert MASK in (answered.message or "")


async def test_other_requests_pass_through_and_are_counted(tmp_path: Path, profile: Profile) -> None:
    file = tmp_path / "session.jsonl"
    async with mock(MockApp(profile)) as real, recorder(file, openai=real["openai"]) as (proxy, urls):
        async with openai.AsyncOpenAI(base_url=urls["openai"], api_key=KEY) as client:
            assert [model.id async for model in client.models.list()]
            asked: Any = [{"role": "user", "content": "twice"}]
            for _ in range(2):
                await client.chat.completions.create(model="gpt-4o", messages=asked)
        assert dict(proxy.skipped) == {"another endpoint, or a request that the mock does not read": 1}
    assert len(load_script(file)) == 1


async def test_a_provider_that_is_away_is_a_502_with_its_address(tmp_path: Path) -> None:
    away = recorder(tmp_path / "s.jsonl", openai="http://127.0.0.1:9/v1")
    async with away as (_, urls), httpx.AsyncClient() as client:
        reply = await client.post(f"{urls['openai']}/chat/completions", json={})
    assert reply.status_code == 502
    assert "http://127.0.0.1:9/v1" in reply.json()["error"]["message"]


KEYS = st.one_of(
    st.from_regex(r"sk-(ant-api03-|proj-)?[A-Za-z0-9_-]{20,60}", fullmatch=True),
    st.from_regex(r"AIza[A-Za-z0-9_-]{35}", fullmatch=True),
    st.from_regex(r"gsk_[A-Za-z0-9]{20,52}", fullmatch=True),
    st.from_regex(r"ghp_[A-Za-z0-9]{36}", fullmatch=True),
    st.from_regex(r"AKIA[A-Z0-9]{16}", fullmatch=True),
)


@given(key=KEYS, secret=st.text(min_size=8, max_size=30), nested=st.booleans())
def test_no_key_is_left_in_any_place(key: str, secret: str, nested: bool) -> None:
    value: Any = {"text": f"use {key}, please", "calls": [{"arguments": f'{{"key": "{key}"}}'}], "n": 1}
    value = [value] if nested else value
    written = json.dumps(masked(value, [secret]))
    assert key not in written
    assert masked(f"a {secret} b", [secret]) == masked(f"a {MASK} b")


@pytest.mark.parametrize("text", ["openai", "=http://a", "a=ftp://b", "a=http://"])
def test_a_bad_upstream_is_told(text: str) -> None:
    with pytest.raises(InputError, match="expected NAME=URL"):
        upstreams_from([text], {})


def test_without_upstreams_the_variables_of_the_sdks_count() -> None:
    (first, *_) = upstreams_from([], {"OPENAI_BASE_URL": "http://here/v1/"})
    assert first.url("/v1/chat/completions", "a=1") == "http://here/v1/chat/completions?a=1"


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(InputError, match="does not exist yet"):
        ScriptFile(tmp_path / "a.jsonl")
