"""Checks of the Responses API with the openai SDK."""

import asyncio
import json
from typing import Any

import openai

from tests.sdks.lab import PATIENCE_S, Checks, Lab, raised, until_over
from tests.sdks.openai_checks import ASKED, MODEL, SCHEMA, Forecast, batch_line, created_batch, lines_of

RESPONSES_CHECKS = Checks()
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "How it will be.",
    "parameters": SCHEMA,
    "strict": True,
}
SQL: dict[str, Any] = {"type": "custom", "name": "write_sql", "description": "Writes SQL."}


@RESPONSES_CHECKS
async def a_whole_response_has_text_and_usage(lab: Lab) -> None:
    response = await lab.gpt.responses.create(model=MODEL, input=ASKED)
    assert response.output_text.startswith("The answer is 1. ")
    assert (response.status, response.model, response.error) == ("completed", MODEL, None)
    used = response.usage
    assert (used.output_tokens, used.total_tokens) == (60, used.input_tokens + 60)
    [row] = await lab.rows()
    assert (row["endpoint"], row["input_tokens"], row["output_tokens"]) == (
        "responses",
        used.input_tokens,
        60,
    )
    assert row["cost_nusd"] == used.input_tokens * 2_500 + 60 * 10_000


@RESPONSES_CHECKS
async def a_stream_has_the_documented_events_in_order(lab: Lab) -> None:
    stream = await lab.gpt.responses.create(model=MODEL, input=ASKED, stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    names = [event.type.removeprefix("response.") for event in events]
    assert [name for name in names if name != "output_text.delta"] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.done",
        "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens == 60


@RESPONSES_CHECKS
async def the_streaming_helper_puts_a_response_together(lab: Lab) -> None:
    async with lab.gpt.responses.stream(model=MODEL, input=ASKED) as stream:
        snapshots = [event.snapshot async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert final.output_text == snapshots[-1]
    assert final.status == "completed"


@RESPONSES_CHECKS
async def a_schema_is_kept_whole_and_streamed(lab: Lab) -> None:
    parsed = await lab.gpt.responses.parse(model=MODEL, input="Tell", text_format=Forecast)
    assert isinstance(parsed.output_parsed, Forecast)
    async with lab.gpt.responses.stream(model=MODEL, input="Tell", text_format=Forecast) as stream:
        final = await stream.get_final_response()
    assert isinstance(final.output_parsed, Forecast)
    asked = {"model": MODEL, "input": "Some JSON", "text": {"format": {"type": "json_object"}}}
    assert isinstance(json.loads((await lab.gpt.responses.create(**asked)).output_text), dict)


@RESPONSES_CHECKS
async def a_function_is_called_and_its_result_answered(lab: Lab) -> None:
    asked: dict[str, Any] = {"model": MODEL, "tools": [TOOL, SQL]}
    question = {"role": "user", "content": "What is the weather in Oslo?"}
    response = await lab.gpt.responses.create(**asked, input=[question])
    [call] = response.output
    assert (call.type, call.name, call.status) == ("function_call", "get_weather", "completed")
    arguments = json.loads(call.arguments)
    assert (type(arguments["city"]), type(arguments["days"])) == (str, int)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky": "clear"}'}
    stateless = await lab.gpt.responses.create(
        **asked, input=[question, *response.output, result], store=False
    )
    stateful = await lab.gpt.responses.create(**asked, input=[result], previous_response_id=response.id)
    for answer in (stateless, stateful):
        assert [item.type for item in answer.output] == ["message"]
        assert answer.usage.input_tokens == stateful.usage.input_tokens > response.usage.input_tokens


@RESPONSES_CHECKS
async def calls_are_streamed_and_put_together(lab: Lab) -> None:
    forced = {"tools": [TOOL, SQL], "tool_choice": {"type": "function", "name": "get_weather"}}
    async with lab.gpt.responses.stream(model=MODEL, input="Go", **forced) as stream:
        final = await stream.get_final_response()
    assert [type(json.loads(item.arguments)) for item in final.output] == [dict]
    free = {"tools": [TOOL, SQL], "tool_choice": {"type": "custom", "name": "write_sql"}}
    events = [
        event async for event in await lab.gpt.responses.create(model=MODEL, input="Go", **free, stream=True)
    ]
    deltas = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    [call] = events[-1].response.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "write_sql", "".join(deltas))
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "custom", "name": "write_sql"}],
    }
    response = await lab.gpt.responses.create(
        model=MODEL, input="The weather?", tools=[TOOL, SQL], tool_choice=allowed
    )
    assert [item.type for item in response.output] == ["custom_tool_call"]


@RESPONSES_CHECKS
async def reasoning_is_summarised_counted_and_can_be_sent_back_encrypted(lab: Lab) -> None:
    asked: dict[str, Any] = {
        "model": "gpt-5-mini",
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    question = {"role": "user", "content": ASKED}
    response = await lab.gpt.responses.create(**asked, input=[question])
    reasoning, message = response.output
    assert (reasoning.type, message.type) == ("reasoning", "message")
    assert reasoning.summary[0].text
    thought = response.usage.output_tokens_details.reasoning_tokens
    assert thought == response.usage.output_tokens - 60 > 0
    again = await lab.gpt.responses.create(
        **asked, input=[question, *response.output, {"role": "user", "content": "On."}]
    )
    assert again.status == "completed"
    tight = await lab.gpt.responses.create(**asked, input=[question], max_output_tokens=16)
    assert (tight.status, tight.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert [item.type for item in tight.output] == ["reasoning"]
    assert isinstance(
        await raised(lab.gpt.responses.create(model=MODEL, input="Hi", reasoning={"effort": "low"})),
        openai.BadRequestError,
    )


@RESPONSES_CHECKS
async def responses_are_kept_retrieved_listed_and_deleted(lab: Lab) -> None:
    responses = lab.gpt.responses
    response = await responses.create(model=MODEL, input=ASKED)
    assert (await responses.retrieve(response.id)).output_text == response.output_text
    [item] = [each async for each in responses.input_items.list(response.id)]
    assert item.content[0].text == ASKED
    streamed = [event async for event in await responses.retrieve(response.id, stream=True, starting_after=2)]
    assert [event.sequence_number for event in streamed][:2] == [3, 4]
    assert streamed[-1].response.output_text == response.output_text
    assert isinstance(await raised(responses.cancel(response.id)), openai.BadRequestError)
    await responses.delete(response.id)
    assert isinstance(await raised(responses.retrieve(response.id)), openai.NotFoundError)
    unstored = await responses.create(model=MODEL, input="Hi", store=False)
    assert isinstance(await raised(responses.retrieve(unstored.id)), openai.NotFoundError)
    lost = responses.create(model=MODEL, input="Hi", previous_response_id=unstored.id)
    error = await raised(lost)
    assert isinstance(error, openai.BadRequestError)
    assert error.code == "previous_response_not_found"


@RESPONSES_CHECKS
async def a_background_response_is_polled_until_it_is_completed(lab: Lab) -> None:
    responses = lab.gpt.responses
    response = await responses.create(model=MODEL, input="in about 600 tokens", background=True)
    assert (response.status, response.output) == ("queued", [])
    seen = []
    async with asyncio.timeout(PATIENCE_S):
        while response.status in ("queued", "in_progress"):
            seen.append(response.status)
            await asyncio.sleep(0.01)
            response = await responses.retrieve(response.id)
    assert (response.status, response.usage.output_tokens) == ("completed", 600)
    assert seen == sorted(seen, reverse=True)
    billed = [row for row in await lab.rows(3) if row["cost_nusd"]]
    assert [(row["endpoint"], row["output_tokens"]) for row in billed] == [("responses.background", 600)]


@RESPONSES_CHECKS
async def a_background_response_is_cancelled(lab: Lab) -> None:
    responses = lab.gpt.responses
    response = await responses.create(model="slow", input="in about 9000 tokens", background=True)
    cancelled = await responses.cancel(response.id)
    assert cancelled.status == "cancelled"
    assert (await responses.retrieve(response.id)).status == "cancelled"
    [row] = [row for row in await lab.rows(3) if row["endpoint"] == "responses.background"]
    assert row["output_tokens"] < 9000
    assert row["ended"] == "client_closed"


@RESPONSES_CHECKS
async def responses_go_in_batches(lab: Lab) -> None:
    lines = [
        batch_line(f"c-{n}", model=MODEL, input=f"in about {20 + n} tokens", url="/v1/responses")
        for n in range(2)
    ]
    batch = await created_batch(lab.gpt, lines, "/v1/responses")
    done = await until_over(lab.gpt.batches.retrieve, batch.id)
    assert (done.status, done.request_counts.completed) == ("completed", 2)
    for nth, line in enumerate(await lines_of(lab, done.output_file_id)):
        reply = openai.types.responses.Response.model_validate(line["response"]["body"])
        assert reply.usage is not None
        assert (line["custom_id"], reply.usage.output_tokens) == (f"c-{nth}", 20 + nth)


@RESPONSES_CHECKS
async def a_limit_refuses_a_response_as_it_refuses_a_chat(lab: Lab) -> None:
    error = await raised(lab.gpt.responses.create(model="narrow", input="Hello"))
    assert isinstance(error, openai.RateLimitError)
    assert (error.code, error.type) == ("rate_limit_exceeded", "tokens")
    raw = await lab.gpt.responses.with_raw_response.create(model=MODEL, input="Hello")
    rows = await lab.rows(2)
    assert raw.headers["x-request-id"] == rows[-1]["request_id"]
