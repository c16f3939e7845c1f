"""Batches of arbitrary lines: a batch is refused, fails, or ends with a result for every item."""

import asyncio
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import effort
from tests.fuzz.fuzz_json import dumps, mutated_json, mutated_lines, mutated_text
from tests.fuzz.fuzz_requests import form_of
from tests.fuzz.fuzz_shapes import check_error
from tests.fuzz.fuzz_valid import (
    BATCH,
    CHAT,
    EMBEDDINGS,
    FORM,
    KEYS,
    LINE,
    MESSAGE_BATCH,
    MESSAGES,
    PLAIN,
    Call,
    as_sent,
)
from tests.fuzz.fuzz_world import Got, Sent, World, play, small_world

PROFILE = small_world()
DAYS_S = 3 * 86_400.0
slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
EMBEDDING_LINE = {**LINE, "url": "/v1/embeddings", "body": EMBEDDINGS}


async def upload(world: World, content: bytes) -> str:
    """Store a file for a batch; its id."""
    call = Call("openai", "POST", "/v1/files", FORM)
    got = await world.ask("openai", as_sent(call)._replace(body=form_of(content)))
    assert got.status == 200
    file_id: str = got.json["id"]
    return file_id


async def get(world: World, provider: str, path: str) -> Got:
    """The reply to a GET."""
    got = await world.ask(provider, Sent("GET", path, KEYS[provider]))
    assert got.status == 200
    return got


async def still_good(world: World, provider: str) -> None:
    """Check that a valid request is answered and none is in flight."""
    assert (await world.ask(provider, as_sent(PLAIN[provider]))).status == 200
    assert world.app.in_flight == 0


def check_rows(world: World, batch_id: str, statuses: list[int]) -> None:
    """Check for one row per answered item."""
    rows = [row for row in world.app.ledger.rows if row.batch_id == batch_id]
    assert sorted(row.status for row in rows) == sorted(statuses)
    assert all(row.cost_nusd >= 0 for row in rows)


async def results_of_file(world: World, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of both result files."""
    lines: list[dict[str, Any]] = []
    for file_id in (batch["output_file_id"], batch["error_file_id"]):
        if file_id is not None:
            content = (await get(world, "openai", f"/v1/files/{file_id}/content")).body
            lines += [orjson.loads(line) for line in content.splitlines()]
    return lines


@settings(max_examples=effort(100), deadline=None, suppress_health_check=slow_is_fine)
@given(data=st.data())
def test_an_openai_batch_of_mutated_lines_fails_or_answers_every_one(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from([LINE, EMBEDDING_LINE]))
    content = data.draw(mutated_lines(line))

    async def session() -> None:
        world = World(PROFILE)
        body = {**BATCH, "input_file_id": await upload(world, content), "endpoint": line["url"]}
        made = await world.ask("openai", as_sent(Call("openai", "POST", "/v1/batches", body)))
        if made.status != 200:
            check_error("openai", made)
            assert made.status < 500
        else:
            await asyncio.sleep(DAYS_S)
            batch = (await get(world, "openai", f"/v1/batches/{made.json['id']}")).json
            assert batch["status"] in ("completed", "failed", "expired")
            assert bool(batch["errors"]) == (batch["status"] == "failed")
            lines = await results_of_file(world, batch)
            assert len(lines) == batch["request_counts"]["total"]
            statuses = [line["response"]["status_code"] for line in lines if line["response"]]
            assert all(status < 500 for status in statuses)
            check_rows(world, batch["id"], statuses)
        await still_good(world, "openai")

    play(session())


@settings(max_examples=effort(100), deadline=None, suppress_health_check=slow_is_fine)
@given(
    raw=st.one_of(
        st.lists(mutated_json(MESSAGES), min_size=1, max_size=3).map(
            lambda items: dumps(
                {"requests": [{"custom_id": str(nth), "params": each} for nth, each in enumerate(items)]}
            )
        ),
        mutated_json(MESSAGE_BATCH).map(dumps),
        mutated_text(MESSAGE_BATCH),
    )
)
def test_an_anthropic_batch_of_mutated_items_is_refused_or_answers_every_one(raw: bytes) -> None:
    async def session() -> None:
        world = World(PROFILE)
        sent = as_sent(Call("anthropic", "POST", "/v1/messages/batches", MESSAGE_BATCH))
        made = await world.ask("anthropic", sent._replace(body=raw))
        if made.status != 200:
            check_error("anthropic", made)
            assert made.status < 500
        else:
            await asyncio.sleep(DAYS_S)
            path = f"/v1/messages/batches/{made.json['id']}"
            batch = (await get(world, "anthropic", path)).json
            assert batch["processing_status"] == "ended"
            content = (await get(world, "anthropic", path + "/results")).body
            results = [orjson.loads(line)["result"] for line in content.splitlines()]
            assert len(results) == sum(batch["request_counts"].values())
            for result in results:
                if result["type"] == "errored":
                    assert result["error"]["error"]["type"] in ("invalid_request_error", "not_found_error")
            assert sum(result["type"] == "succeeded" for result in results) == sum(
                row.status == 200 for row in world.app.ledger.rows if row.batch_id == batch["id"]
            )
        await still_good(world, "anthropic")

    play(session())


def test_an_item_nested_more_deeply_than_can_be_written_is_the_clients_mistake() -> None:
    deep = orjson.loads(b"[" * 300 + b"]" * 300)

    async def session() -> None:
        world = World(PROFILE)
        body = dumps({"requests": [{"custom_id": "a", "params": {**MESSAGES, "metadata": deep}}]})
        sent = as_sent(Call("anthropic", "POST", "/v1/messages/batches", MESSAGE_BATCH))
        refused = await world.ask("anthropic", sent._replace(body=body))
        assert (refused.status, refused.json["error"]["type"]) == (400, "invalid_request_error")
        file_id = await upload(world, dumps({**LINE, "body": {**CHAT, "metadata": deep}}))
        made = await world.ask(
            "openai", as_sent(Call("openai", "POST", "/v1/batches", {**BATCH, "input_file_id": file_id}))
        )
        await asyncio.sleep(DAYS_S)
        batch = (await get(world, "openai", f"/v1/batches/{made.json['id']}")).json
        assert batch["status"] == "failed"
        assert [error["code"] for error in batch["errors"]["data"]] == ["invalid_json_line"]

    play(session())
