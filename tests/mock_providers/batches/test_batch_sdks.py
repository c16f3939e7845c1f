"""Batches over real sockets, through the official SDKs, with exact ledger costs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import anthropic
import httpx
import openai
import orjson
import pytest
from anthropic import AsyncAnthropic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from mock_providers import Catalogue, MockApp, Profile, make_profile, parse_faults
from mock_providers.batches.files import StoredFile
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.server.service import Service

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
CHAT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
ASKS = [f"Number {nth}: in about {20 + nth} tokens" for nth in range(4)]
FOREVER = {"completion": {"kind": "constant", "value_s": 3600.0}}


def profile_with(profile: Profile, **batch: Any) -> Profile:
    """The profile with batches that complete within hundredths of a second unless `batch` says otherwise."""
    data = profile.model_dump(mode="json")
    for provider in data["providers"].values():
        for model in provider["models"].values():
            model["price"] = {"input": "2.499", "output": "9.999"}
        provider["batch"] = {
            "validating_s": 0.02,
            "completion": {"kind": "constant", "value_s": 0.01},
            "finalizing_s": 0.02,
            **batch,
        }
    return make_profile(data)


@asynccontextmanager
async def sdks(urls: dict[str, str]) -> AsyncIterator[tuple[AsyncOpenAI, AsyncAnthropic]]:
    async with (
        AsyncOpenAI(base_url=urls["openai"], api_key="sk-test", max_retries=0) as gpt,
        AsyncAnthropic(base_url=urls["anthropic"], api_key="sk-ant", max_retries=0) as claude,
    ):
        yield gpt, claude


def chat(ask: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": ask}], **more}


def message(ask: str, **more: Any) -> Any:
    return {
        "model": "claude-sonnet",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": ask}],
        **more,
    }


def line(custom_id: str, body: Any, **changes: Any) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **changes})


async def made(gpt: AsyncOpenAI, lines: list[bytes], **options: Any) -> Any:
    file = await gpt.files.create(file=("in.jsonl", b"\n".join(lines)), purpose="batch")
    return await gpt.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h", **options)


async def ended(retrieve: Callable[[str], Awaitable[Any]], batch_id: str) -> Any:
    final = ("ended", "completed", "failed", "expired", "cancelled")
    async with asyncio.timeout(10):
        while True:
            batch = await retrieve(batch_id)
            if (getattr(batch, "status", None) or batch.processing_status) in final:
                return batch
            await asyncio.sleep(0.01)


async def jsonl(gpt: AsyncOpenAI, file_id: str | None) -> list[Any]:
    if file_id is None:
        return []
    content = await gpt.files.content(file_id)
    return [orjson.loads(each) for each in content.text.splitlines()]


def item_rows(app: MockApp) -> list[Any]:
    return [row for row in app.ledger.rows if row.batch_id is not None]


async def test_an_openai_batch_is_answered_line_by_line(serve_mock: ServeMock, fast_profile: Any) -> None:
    app, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (gpt, _):
        lines = [line(f"c-{nth}", chat(ask, stream=nth == 0)) for nth, ask in enumerate(ASKS)]
        lines += [line("too-long", chat("x", max_tokens=1001))]
        batch = await made(gpt, lines, metadata={"team": "a"})
        assert (batch.status, batch.endpoint, batch.metadata) == ("validating", CHAT, {"team": "a"})
        assert batch.request_counts.model_dump() == {"total": 5, "completed": 0, "failed": 0}
        done = await ended(gpt.batches.retrieve, batch.id)
        assert done.status == "completed"
        assert done.request_counts.model_dump() == {"total": 5, "completed": 4, "failed": 1}
        assert done.created_at <= done.in_progress_at <= done.finalizing_at <= done.completed_at
        assert done.expires_at == done.created_at + 86_400
        good, bad = await jsonl(gpt, done.output_file_id), await jsonl(gpt, done.error_file_id)
        assert [each["custom_id"] for each in good] == ["c-0", "c-1", "c-2", "c-3"]
        for nth, each in enumerate(good):
            reply = openai.types.chat.ChatCompletion.model_validate(each["response"]["body"])
            assert reply.usage is not None
            assert reply.usage.completion_tokens == 20 + nth
            assert (each["response"]["status_code"], each["error"]) == (200, None)
        (failure,) = bad
        assert (failure["custom_id"], failure["response"]["status_code"]) == ("too-long", 400)
        assert failure["response"]["body"]["error"]["param"] == "max_tokens"
        assert [each.id async for each in gpt.batches.list()] == [batch.id]
    rows = item_rows(app)
    assert sorted(row.request_id for row in rows) == sorted(
        each["response"]["request_id"] for each in (*good, *bad)
    )
    assert {row.batch_id for row in rows} == {batch.id}
    assert {row.endpoint for row in app.ledger.rows} == {"files", "batches", "chat.completions"}


async def test_an_anthropic_batch_is_answered_item_by_item(serve_mock: ServeMock, fast_profile: Any) -> None:
    app, urls = await serve_mock(profile_with(fast_profile(), finalizing_s=0.5))
    async with sdks(urls) as (_, claude):
        batches = claude.messages.batches
        requests = [{"custom_id": f"c-{nth}", "params": message(ask)} for nth, ask in enumerate(ASKS)]
        requests.append({"custom_id": "unknown", "params": message("x", model="claude-9")})
        batch = await batches.create(requests=requests)  # type: ignore[arg-type]  # plain dicts do
        assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 5)
        with pytest.raises(anthropic.AnthropicError):
            await batches.results(batch.id)
        with pytest.raises(anthropic.NotFoundError):
            await claude.get(f"/v1/messages/batches/{batch.id}/results", cast_to=object)
        done = await ended(batches.retrieve, batch.id)
        assert (done.request_counts.succeeded, done.request_counts.errored) == (4, 1)
        results = [each async for each in await batches.results(batch.id)]
        assert [each.custom_id for each in results] == [f"c-{nth}" for nth in range(4)] + ["unknown"]
        for nth, each in enumerate(results[:4]):
            assert each.result.type == "succeeded"
            assert each.result.message.usage.output_tokens == 20 + nth
        assert results[4].result.type == "errored"
        assert results[4].result.error.error.type == "not_found_error"
        assert [each.id async for each in batches.list()] == [batch.id]
        assert (await batches.delete(batch.id)).id == batch.id
        with pytest.raises(anthropic.NotFoundError):
            await batches.retrieve(batch.id)
    assert len(item_rows(app)) == 5


async def test_a_batch_costs_half_of_the_same_requests_live(serve_mock: ServeMock, fast_profile: Any) -> None:
    app, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (gpt, claude):
        batch = await made(gpt, [line(ask, chat(ask)) for ask in ASKS])
        requests: Any = [{"custom_id": f"c-{nth}", "params": message(ask)} for nth, ask in enumerate(ASKS)]
        messages = await claude.messages.batches.create(requests=requests)
        await ended(gpt.batches.retrieve, batch.id)
        await ended(claude.messages.batches.retrieve, messages.id)
        for ask in ASKS:
            await gpt.chat.completions.create(**chat(ask))
            await claude.messages.create(**message(ask))
    for provider in ("openai", "anthropic"):
        rows = [row for row in app.ledger.rows if row.provider == provider]
        half = {(row.prompt_digest, row.output_tokens): row.cost_nusd for row in rows if row.batch_id}
        live = [row for row in rows if row.endpoint in ("chat.completions", "messages") and not row.batch_id]
        assert (len(half), len(live)) == (4, 4)
        for row in live:
            cost_nusd = row.input_tokens * 2_499 + row.output_tokens * 9_999
            assert row.cost_nusd == cost_nusd
            assert half[row.prompt_digest, row.output_tokens] == (cost_nusd + 1) // 2


async def test_items_enter_the_ledger_once_when_they_are_done_whoever_looks(
    serve_mock: ServeMock, fast_profile: Any, eventually: Any
) -> None:
    app, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (gpt, _), httpx.AsyncClient(base_url=urls["openai"]) as http:
        await made(gpt, [line(ask, chat(ask)) for ask in ASKS])
        await eventually(lambda: len(item_rows(app)) == 4)
        admin = urls["openai"].removesuffix("/v1") + "/_mock/"
        rows = [orjson.loads(each) for each in (await http.get(admin + "ledger")).text.splitlines()]
        stats = (await http.get(admin + "stats")).json()
    assert len(rows) == stats["rows"] == len(app.ledger) == 6
    created = app.ledger.rows[1].received_s
    for row in item_rows(app):
        assert row.received_s == row.first_sent_s == row.last_sent_s
        assert row.received_s == pytest.approx(created + 0.03)
        assert (row.stream, row.ended, row.status) == (False, "complete", 200)
    assert sorted(row.attempt_id or "" for row in item_rows(app)) == sorted(ASKS)


async def test_a_cancelled_batch_keeps_nothing_that_was_not_done_and_bills_nothing(
    serve_mock: ServeMock, fast_profile: Any
) -> None:
    app, urls = await serve_mock(profile_with(fast_profile(), **FOREVER))
    async with sdks(urls) as (gpt, claude):
        batch = await made(gpt, [line(ask, chat(ask)) for ask in ASKS])
        assert (await gpt.batches.cancel(batch.id)).status == "cancelling"
        done = await ended(gpt.batches.retrieve, batch.id)
        assert (done.status, done.output_file_id, done.error_file_id) == ("cancelled", None, None)
        assert done.cancelling_at <= done.cancelled_at
        with pytest.raises(openai.ConflictError):
            await gpt.batches.cancel(batch.id)
        requests: Any = [{"custom_id": "one", "params": message("x")}]
        batches = claude.messages.batches
        messages = await batches.create(requests=requests)
        with pytest.raises(anthropic.BadRequestError):
            await batches.delete(messages.id)
        assert (await batches.cancel(messages.id)).processing_status == "canceling"
        ending = await ended(batches.retrieve, messages.id)
        assert ending.request_counts.canceled == 1
        assert [each.result.type async for each in await batches.results(messages.id)] == ["canceled"]
        with pytest.raises(anthropic.BadRequestError):
            await batches.cancel(messages.id)
    assert item_rows(app) == []


async def test_an_expired_batch_says_so_for_every_item_that_was_not_done(
    serve_mock: ServeMock, fast_profile: Any
) -> None:
    app, urls = await serve_mock(profile_with(fast_profile(), **FOREVER, expires_s=0.05))
    async with sdks(urls) as (gpt, claude):
        batch = await made(gpt, [line(ask, chat(ask)) for ask in ASKS])
        done = await ended(gpt.batches.retrieve, batch.id)
        assert (done.status, done.output_file_id, done.request_counts.failed) == ("expired", None, 4)
        codes = {each["error"]["code"] for each in await jsonl(gpt, done.error_file_id)}
        assert codes == {"batch_expired"}
        requests: Any = [{"custom_id": "one", "params": message("x")}]
        messages = await claude.messages.batches.create(requests=requests)
        ending = await ended(claude.messages.batches.retrieve, messages.id)
        assert ending.request_counts.expired == 1
    assert item_rows(app) == []


async def test_a_failure_share_of_one_fails_every_item_free_of_charge(
    serve_mock: ServeMock, fast_profile: Any
) -> None:
    app, urls = await serve_mock(profile_with(fast_profile(), failure_share=1.0))
    async with sdks(urls) as (gpt, _):
        batch = await made(gpt, [line(ask, chat(ask)) for ask in ASKS])
        done = await ended(gpt.batches.retrieve, batch.id)
        assert (done.output_file_id, done.request_counts.failed) == (None, 4)
        assert {each["response"]["status_code"] for each in await jsonl(gpt, done.error_file_id)} == {500}
    rows = item_rows(app)
    assert {(row.status, row.ended, row.cost_nusd, row.model) for row in rows} == {
        (500, "error", 0, "gpt-4o")
    }


async def test_a_fault_that_is_active_when_an_item_is_done_fails_it(
    serve_mock: ServeMock, fast_profile: Any
) -> None:
    profile = profile_with(fast_profile(), validating_s=0.5)
    app, urls = await serve_mock(profile)
    async with sdks(urls) as (gpt, _):
        batch = await made(gpt, [line("one", chat("x"))])
        app.set_faults(parse_faults([{"kind": "http_error", "status": 503, "model": "gpt-4o"}], profile))
        done = await ended(gpt.batches.retrieve, batch.id)
        assert done.request_counts.failed == 1
    (row,) = item_rows(app)
    assert (row.status, row.fault) == (503, "http_error")


async def test_a_request_that_a_fault_strikes_makes_no_batch(
    serve_mock: ServeMock, fast_profile: Any
) -> None:
    profile = profile_with(fast_profile())
    app, urls = await serve_mock(profile)
    async with sdks(urls) as (gpt, _):
        app.set_faults(parse_faults([{"kind": "http_error", "status": 500}], profile))
        with pytest.raises(openai.InternalServerError):
            await gpt.files.create(file=("in.jsonl", b"{}"), purpose="batch")
        app.set_faults(())
        assert [each async for each in gpt.files.list()] == []


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([b"{"], "invalid_json_line", 1),
        ([b"[]"], "invalid_type", 1),
        ([], "empty_file", None),
        ([line("a", chat("x")), line("a", chat("x"))], "duplicate_custom_id", 2),
        ([line("a", chat("x")), line("b", chat("x", model="other"))], "mismatched_model", 2),
        ([line("a", chat("x")), b"", line("b", None)], "missing_required_parameter", 3),
        ([line("a", chat("x"), method="GET")], "invalid_method", 1),
        ([line("a", chat("x"), url="/v1/embeddings")], "invalid_url", 1),
    ],
)
async def test_a_bad_input_file_fails_the_batch_and_names_the_line(
    serve_mock: ServeMock, fast_profile: Any, lines: list[bytes], code: str, number: int | None
) -> None:
    app, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (gpt, _):
        batch = await made(gpt, lines)
        done = await ended(gpt.batches.retrieve, batch.id)
        assert (done.status, done.in_progress_at) == ("failed", None)
        assert [(error.code, error.line) for error in done.errors.data] == [(code, number)]
    assert item_rows(app) == []


async def test_openai_refuses_batches_that_cannot_be(serve_mock: ServeMock, fast_profile: Any) -> None:
    _, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (gpt, _):
        asked: Any = {"input_file_id": "file-none", "endpoint": CHAT, "completion_window": "24h"}
        for error, changes in (
            (openai.NotFoundError, {}),
            (openai.BadRequestError, {"endpoint": "/v1/elsewhere"}),
            (openai.BadRequestError, {"completion_window": "1h"}),
            (openai.BadRequestError, {"metadata": {"a": 1}}),
        ):
            with pytest.raises(error):
                await gpt.batches.create(**{**asked, **changes})
        with pytest.raises(openai.NotFoundError):
            await gpt.batches.retrieve("batch_none")
        with pytest.raises(openai.NotFoundError):
            await gpt.files.content("file-none")


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}],
        [{"custom_id": "a b", "params": {}}],
        [{"custom_id": "a"}],
        [{"params": {}}],
    ],
)
async def test_anthropic_refuses_batches_that_cannot_be(
    serve_mock: ServeMock, fast_profile: Any, requests: Any
) -> None:
    _, urls = await serve_mock(profile_with(fast_profile()))
    async with sdks(urls) as (_, claude):
        with pytest.raises(anthropic.BadRequestError):
            await claude.messages.batches.create(requests=requests)


async def test_lists_of_batches_are_told_page_by_page(serve_mock: ServeMock, fast_profile: Any) -> None:
    _, urls = await serve_mock(profile_with(fast_profile(), **FOREVER))
    async with sdks(urls) as (gpt, claude):
        ids = [(await made(gpt, [line("a", chat("x"))])).id for _ in range(3)]
        assert [each.id async for each in gpt.batches.list(limit=2)] == ids[::-1]
        requests: Any = [{"custom_id": "a", "params": message("x")}]
        batches = claude.messages.batches
        ids = [(await batches.create(requests=requests)).id for _ in range(3)]
        assert [each.id async for each in batches.list(limit=2)] == ids[::-1]
        before = await batches.list(before_id=ids[0], limit=1)
        assert ([each.id for each in before.data], before.has_more) == ([ids[1]], True)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
LINES = st.fixed_dictionaries(
    {},
    optional={
        "custom_id": JSON_VALUES | st.sampled_from(["a", "b"]),
        "method": st.just("POST") | JSON_VALUES,
        "url": st.just(CHAT) | JSON_VALUES,
        "body": JSON_VALUES
        | st.just(chat("x"))
        | st.dictionaries(st.sampled_from(["model", "n"]), JSON_VALUES),
        "params": JSON_VALUES | st.just(message("x")),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES | JSON_VALUES, max_size=4), JSON_VALUES, st.text(max_size=5))
def test_whatever_a_batch_is_made_of_the_provider_does_not_break(
    fast_profile: Callable[..., Profile], lines: list[Any], value: Any, text: str
) -> None:
    profile = profile_with(fast_profile())
    services = {name: Service(name, profile, Catalogue(()), Draws(0)) for name in ("openai", "anthropic")}
    clock = iter(range(1000))

    def ask(name: str, method: str, path: str, body: Any = None, **query: str) -> Decision:
        headers = {b"authorization": b"Bearer x", b"anthropic-version": b"2023-06-01"}
        received = Received(method, path, headers, query, b"" if body is None else orjson.dumps(body))
        now = float(next(clock))
        instant = Instant(now, now, now)
        service = services[name]
        for entry in service.settle_batches((), instant):
            assert entry.row(0.0).status in (200, 400, 404)
        decision = service.decide(service.arrival(received), received, (), instant)
        assert decision.plan.status in (200, 400, 404, 409)
        return decision

    for body in (value, {"requests": value}, {"requests": lines}, {"input_file_id": value}):
        ask("anthropic", "POST", "/v1/messages/batches", body)
        ask("openai", "POST", "/v1/batches", body)
        ask("openai", "POST", "/v1/files", body)
    content = b"\n".join(orjson.dumps(each) for each in lines)
    services["openai"]._context.files.put(StoredFile("file-1", "in.jsonl", "batch", content, 0.0))
    ask(
        "openai",
        "POST",
        "/v1/batches",
        {"input_file_id": "file-1", "endpoint": CHAT, "completion_window": "24h", "metadata": value},
    )
    for name, path in (("openai", "/v1/batches"), ("anthropic", "/v1/messages/batches")):
        ask(name, "GET", path, limit=text, after=text, after_id=text)
        listed = ask(name, "GET", path)
        assert listed.rendering is not None
        for batch in orjson.loads(listed.rendering.body(listed.plan))["data"]:
            ask(name, "GET", f"{path}/{batch['id']}")
            ask(name, "GET", f"{path}/{batch['id']}/results")
            ask(name, "POST", f"{path}/{batch['id']}/cancel")
    ask("openai", "GET", "/v1/files", limit=text, order=text, purpose=text)
