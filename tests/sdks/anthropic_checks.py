"""Checks of Anthropic's protocol with the anthropic SDK, under both generations of headers."""

import json
from typing import Any

import anthropic

from tests.sdks.lab import CURRENT_SDKS, Checks, Lab, raised, until_over, user
from tests.sdks.openai_checks import ASKED, MIDDLE_OF_A_CHARACTER, SCHEMA

ANTHROPIC_CHECKS = Checks()
MODEL = "claude-sonnet"
TOOL: dict[str, Any] = {"name": "get_weather", "description": "How it will be.", "input_schema": SCHEMA}
CLOCK: dict[str, Any] = {
    "name": "read_clock",
    "description": "The time.",
    "input_schema": {"type": "object", "properties": {}},
}
NEW, OLD = "2026-10-21", "2023-06-01"


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 10_000, "messages": user(text), **more}


def text_of(message: Any) -> str:
    """All text blocks of a message."""
    return "".join(block.text for block in message.content if block.type == "text")


async def both(lab: Lab, **asked: Any) -> list[Any]:
    """The replies to the same request, whole and put together from a stream."""
    whole = await lab.claude.messages.create(**asked)
    async with lab.claude.messages.stream(**asked) as stream:
        return [whole, await stream.get_final_message()]


@ANTHROPIC_CHECKS
async def messages_answer_with_usage_that_the_ledger_bills(lab: Lab) -> None:
    reply = await lab.claude.messages.create(
        **asking(ASKED, system="Be brief.", model="claude-sonnet-latest")
    )
    assert (reply.type, reply.role, reply.model) == ("message", "assistant", MODEL)
    [block] = reply.content
    assert block.type == "text"
    assert block.text.startswith("The answer is 1. ")
    assert (reply.stop_reason, reply.stop_sequence) == ("end_turn", None)
    used = reply.usage
    assert (used.cache_creation_input_tokens, used.cache_read_input_tokens) == (0, 0)
    [row] = await lab.rows()
    assert (row["input_tokens"], row["output_tokens"]) == (used.input_tokens, used.output_tokens)
    assert (used.output_tokens, row["model"], row["answer"]) == (60, MODEL, "right")


@ANTHROPIC_CHECKS
async def a_stream_accumulates_to_the_whole_message(lab: Lab) -> None:
    async with lab.claude.messages.stream(**asking(ASKED)) as stream:
        texts = [text async for text in stream.text_stream]
        final = await stream.get_final_message()
    assert len(texts) > 10
    assert text_of(final) == "".join(texts)
    assert text_of(final).startswith("The answer is 1. ")
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 60)
    assert final.usage.input_tokens > 0


@ANTHROPIC_CHECKS
async def a_stream_has_the_documented_events_in_their_order(lab: Lab) -> None:
    stream = await lab.claude.messages.create(**asking(ASKED), stream=True)
    events = [event async for event in stream]
    types = [event.type for event in events if event.type not in ("ping", "content_block_delta")]
    assert types == [
        "message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    assert (events[0].message.content, events[0].message.usage.output_tokens) == ([], 1)
    assert events[-2].usage.output_tokens == 60


@ANTHROPIC_CHECKS
async def a_tool_that_the_prompt_names_is_called_and_its_result_answered(lab: Lab) -> None:
    asked = asking("What is the weather in Oslo?", tools=[TOOL, CLOCK])
    for reply in await both(lab, **asked):
        call = reply.content[-1]
        assert (reply.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "get_weather")
        assert call.id.startswith("toolu_")
        assert (type(call.input["city"]), type(call.input["days"])) == (str, int)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "A clear sky."}
        turns = [
            *asked["messages"],
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": [result]},
        ]
        answer = await lab.claude.messages.create(**{**asked, "messages": turns})
        assert (answer.stop_reason, [block.type for block in answer.content]) == ("end_turn", ["text"])
        assert answer.usage.input_tokens > reply.usage.input_tokens


@ANTHROPIC_CHECKS
async def tool_choice_forces_and_forbids(lab: Lab) -> None:
    for choice, called in (
        ({"type": "tool", "name": "get_weather"}, {"get_weather"}),
        ({"type": "any"}, {"get_weather", "read_clock"}),
    ):
        for reply in await both(lab, **asking("Say hello", tools=[TOOL, CLOCK], tool_choice=choice)):
            assert reply.stop_reason == "tool_use"
            assert {block.name for block in reply.content if block.type == "tool_use"} <= called
    for text, choice in (("Say hello", {"type": "auto"}), ("What is the weather?", {"type": "none"})):
        for reply in await both(lab, **asking(text, tools=[TOOL, CLOCK], tool_choice=choice)):
            assert (reply.stop_reason, {block.type for block in reply.content}) == ("end_turn", {"text"})


@ANTHROPIC_CHECKS
async def a_json_schema_is_kept_streamed_or_not(lab: Lab) -> None:
    output_config = {"format": {"type": "json_schema", "schema": SCHEMA}}
    for reply in await both(lab, **asking("Tell", output_config=output_config)):
        value = json.loads(text_of(reply))
        assert (type(value["city"]), type(value["days"])) == (str, int)


@ANTHROPIC_CHECKS
async def replies_end_at_max_tokens_and_at_stop_sequences(lab: Lab) -> None:
    for reply in await both(lab, **{**asking("in about 50 tokens"), "max_tokens": 7}):
        assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 7)
        assert len(text_of(reply)) == 28
    for reply in await both(lab, **asking("in about 50 tokens", stop_sequences=["e"])):
        assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "e")
        assert "e" not in text_of(reply)


@ANTHROPIC_CHECKS
async def a_reply_that_the_client_has_begun_is_continued(lab: Lab) -> None:
    begun = [*user(ASKED), {"role": "assistant", "content": "The answer"}]
    for reply in await both(lab, **{**asking(ASKED), "messages": begun}):
        assert text_of(reply).startswith(" is 1. ")


@ANTHROPIC_CHECKS
async def characters_survive_where_chunks_cut_them(lab: Lab) -> None:
    async with lab.claude.messages.stream(**asking("in many scripts, in about 600 tokens")) as stream:
        texts = [text async for text in stream.text_stream]
    assert any(text.startswith(MIDDLE_OF_A_CHARACTER) for text in texts)
    whole = "".join(texts)
    assert 2397 <= len(whole) <= 2400
    assert "\ufffd" not in whole
    assert len(whole.encode()) > 1.5 * len(whole)


@ANTHROPIC_CHECKS
async def a_reply_may_be_empty(lab: Lab) -> None:
    for reply in await both(lab, **asking("in about 0 tokens")):
        assert (reply.content, reply.stop_reason, reply.usage.output_tokens) == ([], "end_turn", 0)


@ANTHROPIC_CHECKS
async def a_reply_of_8000_tokens_is_whole(lab: Lab) -> None:
    for reply in await both(lab, **asking("in about 8000 tokens")):
        assert (reply.stop_reason, reply.usage.output_tokens) == ("end_turn", 8000)
        assert 31_997 <= len(text_of(reply)) <= 32_000


@ANTHROPIC_CHECKS
async def content_blocks_and_a_system_prompt_are_read(lab: Lab) -> None:
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    content = [{"type": "text", "text": "One."}, {"type": "text", "text": ASKED}]
    messages = [{"role": "user", "content": content}]
    reply = await lab.claude.messages.create(**{**asking("", system=system), "messages": messages})
    assert text_of(reply).startswith("The answer is 1. ")


@ANTHROPIC_CHECKS
async def tokens_are_counted_as_they_are_billed(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("Hello"), "system": "Be brief.", "tools": [TOOL]}
    counted = await lab.claude.messages.count_tokens(**asked)
    reply = await lab.claude.messages.create(**asked, max_tokens=5, tool_choice={"type": "none"})
    assert counted.input_tokens == reply.usage.input_tokens > 0


@ANTHROPIC_CHECKS
async def a_batch_is_made_polled_and_its_results_streamed(lab: Lab) -> None:
    batches = lab.claude.messages.batches
    requests = [{"custom_id": f"c-{n}", "params": asking(f"in about {20 + n} tokens")} for n in range(3)]
    requests.append({"custom_id": "unknown", "params": {**asking("Hi"), "model": "claude-9"}})
    batch = await batches.create(requests=requests)
    assert (batch.type, batch.processing_status) == ("message_batch", "in_progress")
    done = await until_over(batches.retrieve, batch.id)
    assert (done.request_counts.succeeded, done.request_counts.errored) == (3, 1)
    results = [each async for each in await batches.results(batch.id)]
    assert [each.custom_id for each in results] == ["c-0", "c-1", "c-2", "unknown"]
    for nth, each in enumerate(results[:3]):
        assert each.result.type == "succeeded"
        assert each.result.message.usage.output_tokens == 20 + nth
    assert (results[3].result.type, results[3].result.error.error.type) == ("errored", "not_found_error")
    assert batch.id in [each.id async for each in batches.list(limit=1)]
    assert (await batches.delete(batch.id)).type == "message_batch_deleted"
    assert isinstance(await raised(batches.retrieve(batch.id)), anthropic.NotFoundError)


@ANTHROPIC_CHECKS
async def a_batch_can_be_cancelled(lab: Lab) -> None:
    batches = lab.endless_claude.messages.batches
    batch = await batches.create(requests=[{"custom_id": "one", "params": asking("Hi")}])
    assert (await batches.cancel(batch.id)).processing_status == "canceling"
    done = await until_over(batches.retrieve, batch.id)
    assert done.request_counts.canceled == 1
    assert [each.result.type async for each in await batches.results(batch.id)] == ["canceled"]


@ANTHROPIC_CHECKS
async def models_are_listed_and_retrieved(lab: Lab) -> None:
    listed = {model.id: model async for model in lab.claude.models.list()}
    assert (listed[MODEL].type, listed[MODEL].display_name) == ("model", MODEL)
    assert (await lab.claude.models.retrieve("claude-sonnet-latest")).id == MODEL
    assert isinstance(await raised(lab.claude.models.retrieve("claude-9")), anthropic.NotFoundError)


@ANTHROPIC_CHECKS
async def each_generation_sends_its_own_headers(lab: Lab) -> None:
    raw = await lab.claude.messages.with_raw_response.create(**asking("Hello"))
    sent = raw.http_request.headers
    key, version = ("authorization", NEW) if CURRENT_SDKS else ("x-api-key", OLD)
    assert sent["anthropic-version"] == version
    assert [name for name in ("authorization", "x-api-key") if name in sent] == [key]
    [row] = await lab.rows()
    assert raw.headers["request-id"] == row["request_id"]


@ANTHROPIC_CHECKS
async def the_headers_of_the_other_generation_are_accepted(lab: Lab) -> None:
    if CURRENT_SDKS:
        other = {"anthropic-version": OLD, "x-api-key": "key", "authorization": ""}
    else:
        other = {"anthropic-version": NEW, "authorization": "Bearer key", "x-api-key": ""}
    reply = await lab.claude.messages.create(**asking(ASKED), extra_headers=other)
    assert text_of(reply).startswith("The answer is 1. ")


@ANTHROPIC_CHECKS
async def sampling_parameters_are_refused_under_the_new_version_only(lab: Lab) -> None:
    for name, value in (("temperature", 1.0), ("top_p", 1.0), ("top_k", 5)):
        asked = {**asking("in about 5 tokens"), "extra_body": {name: value}}
        for version, refused in (
            ({}, CURRENT_SDKS),
            ({"anthropic-version": NEW}, True),
            ({"anthropic-version": OLD}, False),
        ):
            error = await raised(lab.claude.messages.create(**asked, extra_headers=version))
            assert isinstance(error, anthropic.BadRequestError) == refused
            assert error is None or f"{name}: Extra inputs are not permitted" in str(error)
