"""Stored responses: what can be retrieved and when, background responses, their money. No sockets here."""

import json
from typing import Any

import openai.types.responses as sdk
import pytest

from mock_providers import Catalogue, load_profile, parse_faults
from mock_providers.endpoints import Decision
from mock_providers.endpoints.responses.store import ResponseStore
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.ledger.entry import Entry
from mock_providers.server.service import Service
from tests.mock_providers.responses.sdk_shapes import checked_event, checked_response, extras

TYPICAL = load_profile("typical")
ASKED = {"model": "gpt-4o", "input": "Tell me, in about 40 tokens."}
END = 1e6


class World:
    """OpenAI of profile `typical` at any time, under one fault schedule."""

    def __init__(self, *faults: dict[str, Any]) -> None:
        self.faults = parse_faults(list(faults), TYPICAL)
        self.service = Service("openai", TYPICAL, Catalogue(()), Draws(0))

    def __call__(
        self, method: str, path: str, body: Any = None, *, now: float = 0.0, **query: str
    ) -> Decision:
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {b"authorization": b"Bearer k"}
        received = Received(method, f"/v1/responses{path}", headers, query, raw)
        instant = Instant(now, now, 1e9 + now)
        return self.service.decide(self.service.arrival(received), received, self.faults, instant)

    def create(self, *, now: float = 0.0, **body: Any) -> Decision:
        return self("POST", "", {**ASKED, **body}, now=now)

    def get(self, response_id: str, now: float) -> sdk.Response:
        return checked_response(whole(self("GET", f"/{response_id}", now=now)))

    def entries(self, now: float) -> list[Entry]:
        """The ledger entries that end on their own by then."""
        return self.service.settle_batches((), Instant(now, now, 1e9 + now))


def whole(decision: Decision) -> Any:
    assert decision.rendering is not None
    return json.loads(decision.rendering.body(decision.plan))


def id_of(decision: Decision) -> str:
    return f"resp_{decision.info.request_id.removeprefix('req_')}"


def status_of(decision: Decision) -> tuple[int, str]:
    assert decision.plan.problem is not None
    return decision.plan.problem.status, decision.plan.problem.message


def events_of(decision: Decision) -> list[Any]:
    assert decision.rendering is not None
    frames, plan = decision.rendering.frames(decision.plan), decision.plan
    raw = [frames.head, *map(frames.piece, plan.to_send)]
    if plan.ends == "complete":
        raw += [frames.finish, frames.tail]
    else:
        raw.append(decision.rendering.error_event(plan, b""))
    parts = b"".join(raw).decode().split("\n\n")[:-1]
    return [checked_event(json.loads(part.partition("data: ")[2])) for part in parts]


def test_a_response_is_in_progress_until_its_end_and_then_what_was_sent() -> None:
    world = World()
    created = world.create()
    plan, own = created.plan, id_of(created)
    assert [world.get(own, now).status for now in (0.0, plan.ends_s - 0.01)] == ["in_progress"] * 2
    assert world.get(own, plan.ends_s).to_dict() == whole(created)


def test_a_stream_is_stored_as_far_as_it_has_come() -> None:
    world = World()
    created = world.create(stream=True)
    half = created.plan.pieces[5].due_s
    [message] = world.get(id_of(created), half).output
    assert isinstance(message, sdk.ResponseOutputMessage)
    assert message.status == "incomplete"
    text = "".join(piece.text for piece in created.plan.pieces if piece.due_s <= half)
    assert message.content[0].to_dict()["text"] == text


@pytest.mark.parametrize("asked", [{"store": False}, {"max_output_tokens": 99_999}])
def test_what_is_not_to_be_stored_or_was_refused_cannot_be_retrieved(asked: dict[str, Any]) -> None:
    world = World()
    created = world.create(**asked)
    found = world("GET", f"/{id_of(created)}", now=END)
    assert status_of(found) == (404, f"Response with id '{id_of(created)}' not found.")


def test_a_deleted_response_is_gone_and_cannot_be_continued() -> None:
    world = World()
    own = id_of(world.create())
    deleted = whole(world("DELETE", f"/{own}", now=END))
    assert deleted == {"id": own, "object": "response", "deleted": True}
    for found in (world("GET", f"/{own}"), world("DELETE", f"/{own}"), world("GET", f"/{own}/input_items")):
        assert status_of(found)[0] == 404
    continued = world.create(previous_response_id=own, now=END)
    assert status_of(continued) == (400, f"Previous response with id '{own}' not found.")


def test_a_chain_of_responses_is_billed_and_listed_as_the_whole_conversation() -> None:
    world = World()
    first = world.create(instructions="Be kind.")
    second = world.create(previous_response_id=id_of(first), input="And on?", now=END)
    said = whole(first)["output"]
    question = {"role": "user", "content": ASKED["input"]}
    alone = world.create(input=[question, *said, {"role": "user", "content": "And on?"}], store=False)
    assert second.info.prompt_digest == alone.info.prompt_digest
    assert second.plan.input_tokens == alone.plan.input_tokens
    listed = whole(world("GET", f"/{id_of(second)}/input_items", now=END, order="asc"))
    page = sdk.ResponseItemList.model_validate(listed, strict=True)
    assert extras(page) <= {"status"}
    assert [item.type for item in page.data] == ["message"] * 3
    assert listed["data"][1] == said[0]


def test_a_response_that_has_not_ended_cannot_be_continued() -> None:
    world = World()
    own = id_of(world.create())
    assert "status 'in_progress'" in status_of(world.create(previous_response_id=own))[1]


def test_input_items_come_in_pages_newest_first() -> None:
    world = World()
    items = [{"role": "user", "content": f"{nth}"} for nth in range(25)]
    path = f"/{id_of(world.create(input=items))}/input_items"
    first = whole(world("GET", path))
    assert (len(first["data"]), first["has_more"]) == (20, True)
    rest = whole(world("GET", path, after=first["last_id"]))
    assert (len(rest["data"]), rest["has_more"]) == (5, False)
    texts = [item["content"][0]["text"] for item in (*first["data"], *rest["data"])]
    assert texts == [f"{nth}" for nth in reversed(range(25))]
    one = whole(world("GET", path, order="asc", limit="1"))
    assert one["data"] == rest["data"][-1:]
    for limit in ("0", "101", "x"):
        assert status_of(world("GET", path, limit=limit))[0] == 400
    assert status_of(world("GET", path, order="up"))[0] == 400


def test_a_background_response_is_queued_then_generated_then_billed_once() -> None:
    world = World()
    foreground = world.create().plan
    world = World()
    created = world.create(background=True)
    response = checked_response(whole(created))
    assert (response.status, response.output, response.background) == ("queued", [], True)
    assert (created.price, created.plan.output_tokens) == (None, 0)
    own = id_of(created)
    ttft_s, ends_s = foreground.ttft_s, foreground.ends_s
    seen = [world.get(own, now).status for now in (0.0, ttft_s - 0.001, ttft_s, ends_s - 0.001, ends_s)]
    assert seen == ["queued", "queued", "in_progress", "in_progress", "completed"]
    assert world.entries(ends_s - 0.001) == []
    [entry] = world.entries(END)
    row = entry.row(0.0)
    assert (row.endpoint, row.ended, row.status) == ("responses.background", "complete", 200)
    assert (row.input_tokens, row.output_tokens) == (foreground.input_tokens, 40)
    assert row.cost_nusd == foreground.input_tokens * 2_500 + 40 * 10_000
    assert world.entries(END) == []


def test_a_cancelled_background_response_keeps_and_bills_what_was_generated() -> None:
    world = World()
    created = world.create(background=True, stream=True)
    own, pieces = id_of(created), created.plan.pieces
    half = pieces[8].due_s
    cancelled = checked_response(whole(world("POST", f"/{own}/cancel", now=half)))
    assert cancelled.status == "cancelled"
    text = "".join(piece.text for piece in pieces if piece.due_s <= half)
    assert cancelled.output_text == text
    again = checked_response(whole(world("POST", f"/{own}/cancel", now=half + 1)))
    assert again == cancelled
    [entry] = world.entries(half)
    row = entry.row(0.0)
    tokens = sum(piece.tokens for piece in pieces if piece.due_s <= half)
    assert (row.output_tokens, row.ended) == (tokens, "client_closed")
    assert [event.type for event in events_of(world("GET", f"/{own}", now=END, stream="true"))][-1] == (
        "response.output_text.delta"
    )


def test_one_that_has_ended_stays_as_it_is_and_one_in_the_foreground_is_not_cancelled() -> None:
    world = World()
    ended, waited_for = (id_of(world.create(background=background)) for background in (True, False))
    assert whole(world("POST", f"/{ended}/cancel", now=END))["status"] == "completed"
    refused = status_of(world("POST", f"/{waited_for}/cancel"))
    assert refused == (400, "Cannot cancel a synchronous response.")


def test_a_deleted_background_response_is_billed_all_the_same() -> None:
    world = World()
    whole(world("DELETE", f"/{id_of(world.create(background=True))}"))
    assert [entry.tokens_sent for entry in world.entries(END)] == [40]


@pytest.mark.parametrize("after", [None, 0, 3, 7])
def test_a_stored_response_is_streamed_again_from_any_event(after: int | None) -> None:
    world = World()
    created = world.create(background=True, stream=True)
    events = events_of(created)
    asked: dict[str, Any] = {"stream": "true"} | ({} if after is None else {"starting_after": str(after)})
    again = world("GET", f"/{id_of(created)}", now=END, **asked)
    first = 0 if after is None else after + 1
    assert events_of(again) == events[first:]
    assert (again.price, again.info.stream, again.info.endpoint) == (None, True, "stored_responses")
    assert [event.type for event in events[:3]] == [
        "response.created", "response.queued", "response.in_progress"
    ]  # fmt: skip


def test_a_resumed_stream_waits_for_what_is_not_generated_yet() -> None:
    world = World()
    created = world.create(background=True, stream=True)
    at = created.plan.pieces[4].due_s
    again = world("GET", f"/{id_of(created)}", now=at, stream="true", starting_after="0").plan
    due = [piece.due_s for piece in again.pieces]
    assert due[:5] == [TYPICAL.error_latency_s] * 5
    assert due[-1] == pytest.approx(created.plan.pieces[-1].due_s - at)
    assert status_of(world("GET", f"/{id_of(created)}", stream="true", starting_after="-1"))[0] == 400


@pytest.mark.parametrize("kind", ["reset", "stall", "truncate"])
def test_a_background_response_outlives_its_connection_and_another_does_not(kind: str) -> None:
    world = World({"kind": kind, "after_chunks": 3, "endpoint": "responses"})
    behind, waited_for = (world.create(background=background, stream=True) for background in (True, False))
    assert world.get(id_of(behind), END).status == "completed"
    cut = world.get(id_of(waited_for), END)
    assert (cut.status, cut.usage) == ("cancelled", None)
    assert cut.output_text == "".join(piece.text for piece in waited_for.plan.pieces[:3])
    assert [entry.tokens_sent for entry in world.entries(END)] == [40]


@pytest.mark.parametrize("background", [True, False])
def test_an_error_inside_a_response_is_stored_as_a_failure(background: bool) -> None:
    world = World({"kind": "in_band_error", "after_chunks": 3, "endpoint": "responses"})
    created = world.create(background=background, stream=True)
    response = world.get(id_of(created), END)
    assert (response.status, response.error and response.error.code) == ("failed", "server_error")
    last = events_of(world("GET", f"/{id_of(created)}", now=END, stream="true"))[-1]
    assert (last.type, last.response) == ("response.failed", response)
    assert [entry.row(0.0).ended for entry in world.entries(END)] == ["error"] * background


def test_a_client_that_leaves_cancels_its_response() -> None:
    world = World()
    created = world.create(stream=True)
    now = created.plan.pieces[6].due_s
    world.service.settle(created, 3, now)
    response = world.get(id_of(created), END)
    assert response.status == "cancelled"
    assert response.output_text == "".join(piece.text for piece in created.plan.pieces if piece.due_s <= now)


def test_the_oldest_responses_make_room_for_the_newest() -> None:
    world = World()
    store = world.service._context.responses = ResponseStore(most_bytes=10_000)
    made = [id_of(world.create(input=f"{nth} {'x' * 1000}, in about 20 tokens")) for nth in range(20)]
    kept = [own for own in made if store.get(own) is not None]
    assert kept == made[-len(kept) :]
    assert 1 < len(kept) < 5
    assert set(store._owners.values()) == set(kept)
    huge = id_of(world.create(input="y" * 20_000))
    assert [own for own in (*made, huge) if store.get(own)] == [huge]


def test_tokens_are_counted_as_they_would_be_billed() -> None:
    world = World()
    first = world.create()
    asked = {"model": "gpt-4o", "previous_response_id": id_of(first), "input": "On", "instructions": "Short."}
    counted = whole(world("POST", "/input_tokens", asked, now=END))
    assert counted["object"] == "response.input_tokens"
    assert counted["input_tokens"] == world.create(**asked, now=END).plan.input_tokens
    assert status_of(world("POST", "/input_tokens", {"model": "gpt-9", "input": "x"}))[0] == 404


def test_a_compacted_conversation_is_its_user_messages_and_a_summary_that_can_be_sent_back() -> None:
    world = World()
    first = world.create()
    asked = {"model": "gpt-4o", "previous_response_id": id_of(first)}
    created = world("POST", "/compact", asked, now=END)
    output = whole(created)["output"]
    # The type lacks the user messages that its docstring promises: "a list of all user messages".
    compacted = sdk.CompactedResponse.model_validate({**whole(created), "output": output[1:]}, strict=True)
    assert ([item["role"] for item in output[:-1]], output[-1]["type"]) == (["user"], "compaction")
    assert compacted.usage.output_tokens == created.plan.output_tokens > 0
    assert created.price is not None
    continued = world.create(input=[*output, {"role": "user", "content": "On."}])
    assert continued.plan.input_tokens > created.plan.output_tokens
