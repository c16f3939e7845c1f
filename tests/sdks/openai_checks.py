"""Checks of OpenAI's and Together's protocol with the openai SDK."""

import base64
import json
import struct
from typing import Any

import openai
from pydantic import BaseModel

from tests.sdks.lab import Checks, Lab, raised, until_over, user

OPENAI_CHECKS = Checks()
MODEL = "gpt-4o"
ASKED = "Question: What is the easy number?\nAnswer in about 60 tokens."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "How it will be.",
        "parameters": SCHEMA,
        "strict": True,
    },
}
CLOCK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "read_clock",
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        "strict": True,
    },
}
MIDDLE_OF_A_CHARACTER = ("\u200d", "\u0301", "\u0300", "\ufe0f", "\U0001f3fb", "\U0001f3fd", "\U0001f3ff")


class Forecast(BaseModel):
    """A reply parsed by the SDK."""

    city: str
    days: int


async def streamed(chunks: Any) -> tuple[list[str], str | None, Any]:
    """The texts of the first choice, its finish reason, and the usage if there was one."""
    texts, finish, usage = [], None, None
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts.append(choice.delta.content or "")
            finish = choice.finish_reason or finish
    return texts, finish, usage


@OPENAI_CHECKS
async def chat_answers_with_usage_that_the_ledger_bills(lab: Lab) -> None:
    for sdk, model, provider in ((lab.gpt, MODEL, "openai"), (lab.llama, "llama-3-70b", "together")):
        messages = [{"role": "system", "content": "Be brief."}, *user(ASKED)]
        reply = await sdk.chat.completions.create(model=model, messages=messages)
        assert (reply.object, reply.model, len(reply.choices)) == ("chat.completion", model, 1)
        assert reply.choices[0].message.content.startswith("The answer is 1. ")
        assert (reply.choices[0].finish_reason, reply.choices[0].message.role) == ("stop", "assistant")
        used = reply.usage
        assert (used.completion_tokens, used.total_tokens) == (60, used.prompt_tokens + 60)
        assert used.prompt_tokens_details.cached_tokens == 0
        [row] = [row for row in await lab.rows() if row["provider"] == provider]
        assert (row["input_tokens"], row["output_tokens"]) == (used.prompt_tokens, 60)
        assert (row["answer"], row["ended"]) == ("right", "complete")


@OPENAI_CHECKS
async def a_stream_is_the_chat_in_chunks_and_ends_with_usage(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user(ASKED)}
    stream = await lab.gpt.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert len({(chunk.id, chunk.created, chunk.object) for chunk in chunks}) == 1
    *content, last = chunks
    assert {chunk.usage for chunk in content} == {None}
    assert last.choices == []
    assert last.usage.completion_tokens == 60
    text = "".join(chunk.choices[0].delta.content or "" for chunk in content)
    assert text.startswith("The answer is 1. ")
    assert 237 <= len(text) <= 240
    assert [chunk.choices[0].delta.role for chunk in content if chunk.choices[0].delta.role] == ["assistant"]
    assert [chunk.choices[0].finish_reason for chunk in content[:-1]] == [None] * (len(content) - 1)
    assert content[-1].choices[0].finish_reason == "stop"


@OPENAI_CHECKS
async def usage_is_streamed_only_when_requested(lab: Lab) -> None:
    stream = await lab.gpt.chat.completions.create(model=MODEL, messages=user("Hello"), stream=True)
    texts, finish, usage = await streamed(stream)
    assert "".join(texts)
    assert (finish, usage) == ("stop", None)


@OPENAI_CHECKS
async def the_streaming_helper_puts_a_reply_together(lab: Lab) -> None:
    async with lab.gpt.chat.completions.stream(model=MODEL, messages=user(ASKED)) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "".join(deltas)
    assert final.choices[0].finish_reason == "stop"


@OPENAI_CHECKS
async def several_choices_differ_streamed_or_not(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("in about 30 tokens"), "n": 2}
    reply = await lab.gpt.chat.completions.create(**asked)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert len({choice.message.content for choice in reply.choices}) == 2
    assert reply.usage.completion_tokens == 60
    texts, finishes = ["", ""], ["", ""]
    async for chunk in await lab.gpt.chat.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            finishes[choice.index] += choice.finish_reason or ""
    assert len(set(texts)) == 2
    assert all(117 <= len(text) <= 120 for text in texts)
    assert finishes == ["stop", "stop"]


def assert_calls_weather(choice: Any) -> Any:
    """The call; its arguments fit the schema."""
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, call.type, call.function.name) == ("tool_calls", "function", "get_weather")
    assert call.id.startswith("call_")
    arguments = json.loads(call.function.arguments)
    assert (type(arguments["city"]), type(arguments["days"])) == (str, int)
    return call


WEATHER: dict[str, Any] = {
    "model": MODEL,
    "messages": user("What is the weather in Oslo?"),
    "tools": [TOOL, CLOCK],
}


@OPENAI_CHECKS
async def a_tool_that_the_prompt_names_is_called_and_its_result_answered(lab: Lab) -> None:
    reply = await lab.gpt.chat.completions.create(**WEATHER)
    call = assert_calls_weather(reply.choices[0])
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'}
    turns = [*WEATHER["messages"], reply.choices[0].message, result]
    answer = await lab.gpt.chat.completions.create(**{**WEATHER, "messages": turns})
    assert (answer.choices[0].finish_reason, answer.choices[0].message.tool_calls) == ("stop", None)
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens > reply.usage.prompt_tokens


@OPENAI_CHECKS
async def a_streamed_tool_call_is_put_together(lab: Lab) -> None:
    async with lab.gpt.chat.completions.stream(**WEATHER) as stream:
        final = await stream.get_final_completion()
    assert_calls_weather(final.choices[0])


@OPENAI_CHECKS
async def tool_choice_forces_and_forbids(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("Say hello"), "tools": [TOOL, CLOCK]}
    named = {"type": "function", "function": {"name": "get_weather"}}
    forced = await lab.gpt.chat.completions.create(**asked, tool_choice=named)
    assert {call.function.name for call in forced.choices[0].message.tool_calls} == {"get_weather"}
    required = await lab.gpt.chat.completions.create(**asked, tool_choice="required")
    assert required.choices[0].finish_reason == "tool_calls"
    for free in ({}, {"tool_choice": "auto"}):  # no word of the prompt is in a tool's name
        reply = await lab.gpt.chat.completions.create(**asked, **free)
        assert reply.choices[0].message.tool_calls is None
    none = await lab.gpt.chat.completions.create(**WEATHER, tool_choice="none")
    assert (none.choices[0].finish_reason, none.choices[0].message.tool_calls) == ("stop", None)


@OPENAI_CHECKS
async def json_mode_replies_with_an_object(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("Some JSON, please")}
    reply = await lab.gpt.chat.completions.create(**asked, response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.choices[0].message.content), dict)
    assert reply.choices[0].finish_reason == "stop"


@OPENAI_CHECKS
async def a_json_schema_is_kept_streamed_or_not(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("Tell"), "response_format": Forecast}
    reply = await lab.gpt.chat.completions.parse(**asked)
    assert isinstance(reply.choices[0].message.parsed, Forecast)
    async with lab.gpt.chat.completions.stream(**asked) as stream:
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Forecast)


@OPENAI_CHECKS
async def replies_end_at_max_tokens_and_at_stop_sequences(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("in about 50 tokens")}
    for options, length, finish in (
        ({"max_completion_tokens": 7}, 28, "length"),
        ({"max_tokens": 7}, 28, "length"),
        ({"stop": ["e"]}, None, "stop"),
        ({"stop": "e"}, None, "stop"),
    ):
        reply = await lab.gpt.chat.completions.create(**asked, **options)
        stream = await lab.gpt.chat.completions.create(**asked, **options, stream=True)
        texts, streamed_finish, _ = await streamed(stream)
        for text in (reply.choices[0].message.content, "".join(texts)):
            assert len(text) == length if length else "e" not in text
        assert reply.choices[0].finish_reason == streamed_finish == finish


@OPENAI_CHECKS
async def a_reply_that_the_client_has_begun_is_continued(lab: Lab) -> None:
    messages = [*user(ASKED), {"role": "assistant", "content": "The answer"}]
    reply = await lab.gpt.chat.completions.create(model=MODEL, messages=messages)
    assert reply.choices[0].message.content.startswith(" is 1. ")


@OPENAI_CHECKS
async def characters_survive_where_chunks_cut_them(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("in many scripts, in about 600 tokens")}
    texts, _, _ = await streamed(await lab.gpt.chat.completions.create(**asked, stream=True))
    assert any(text.startswith(MIDDLE_OF_A_CHARACTER) for text in texts)
    reply = await lab.gpt.chat.completions.create(**asked)
    for text in ("".join(texts), reply.choices[0].message.content):
        assert 2397 <= len(text) <= 2400
        assert "\ufffd" not in text
        assert len(text.encode()) > 1.5 * len(text)


@OPENAI_CHECKS
async def a_reply_may_be_empty(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("in about 0 tokens")}
    reply = await lab.gpt.chat.completions.create(**asked)
    assert (reply.choices[0].message.content, reply.usage.completion_tokens) == ("", 0)
    texts, finish, _ = await streamed(await lab.gpt.chat.completions.create(**asked, stream=True))
    assert ("".join(texts), reply.choices[0].finish_reason, finish) == ("", "stop", "stop")


@OPENAI_CHECKS
async def a_reply_of_8000_tokens_is_whole(lab: Lab) -> None:
    asked = {"model": MODEL, "messages": user("in about 8000 tokens")}
    reply = await lab.gpt.chat.completions.create(**asked)
    stream = await lab.gpt.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    texts, finish, usage = await streamed(stream)
    assert reply.usage.completion_tokens == usage.completion_tokens == 8000
    for text in (reply.choices[0].message.content, "".join(texts)):
        assert 31_997 <= len(text) <= 32_000
    assert finish == "stop"


@OPENAI_CHECKS
async def embeddings_are_the_same_as_numbers_and_as_base64(lab: Lab) -> None:
    asked = {"model": "text-embedding-3-small", "input": ["a cat", "a dog"]}
    usual = await lab.gpt.embeddings.create(**asked)  # the SDK asks for base64 and decodes it
    numbers = await lab.gpt.embeddings.create(**asked, encoding_format="float")
    raw = await lab.gpt.embeddings.create(**asked, encoding_format="base64")
    assert [each.index for each in usual.data] == [0, 1]
    assert usual.usage.prompt_tokens == usual.usage.total_tokens > 0
    for nth in range(2):
        vector = usual.data[nth].embedding
        decoded = struct.unpack(f"<{len(vector)}f", base64.b64decode(raw.data[nth].embedding))
        assert list(decoded) == vector
        assert max(abs(a - b) for a, b in zip(vector, numbers.data[nth].embedding, strict=True)) < 1e-6
    short = await lab.gpt.embeddings.create(**{**asked, "input": "a cat"}, dimensions=64)
    assert len(short.data[0].embedding) == 64


@OPENAI_CHECKS
async def files_are_kept_listed_read_and_deleted(lab: Lab) -> None:
    files, content = lab.gpt.files, b"\x00\r\n\xff--" * 100
    file = await files.create(file=("bytes.bin", content), purpose="user_data")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "bytes.bin", "user_data")
    assert (file.object, file.status) == ("file", "processed")
    assert (await files.content(file.id)).content == content
    assert await files.retrieve(file.id) == file
    assert file.id in [each.id async for each in files.list()]
    assert (await files.delete(file.id)).deleted
    assert isinstance(await raised(files.retrieve(file.id)), openai.NotFoundError)


def batch_line(custom_id: str, *, url: str = "/v1/chat/completions", **body: Any) -> str:
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})


async def created_batch(sdk: Any, lines: list[str], endpoint: str = "/v1/chat/completions") -> Any:
    file = await sdk.files.create(file=("in.jsonl", "\n".join(lines).encode()), purpose="batch")
    return await sdk.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")


async def lines_of(lab: Lab, file_id: str) -> list[Any]:
    return [json.loads(line) for line in (await lab.gpt.files.content(file_id)).text.splitlines()]


@OPENAI_CHECKS
async def a_batch_is_made_polled_and_answered_line_by_line(lab: Lab) -> None:
    lines = [batch_line(f"c-{n}", model=MODEL, messages=user(f"in about {20 + n} tokens")) for n in range(3)]
    lines.append(batch_line("too-long", model=MODEL, messages=user("Hi"), max_tokens=1_000_000))
    batch = await created_batch(lab.gpt, lines)
    assert (batch.object, batch.status, batch.request_counts.total) == ("batch", "validating", 4)
    done = await until_over(lab.gpt.batches.retrieve, batch.id)
    assert (done.status, done.request_counts.completed, done.request_counts.failed) == ("completed", 3, 1)
    assert done.created_at <= done.in_progress_at <= done.finalizing_at <= done.completed_at
    for nth, line in enumerate(await lines_of(lab, done.output_file_id)):
        reply = openai.types.chat.ChatCompletion.model_validate(line["response"]["body"])
        assert reply.usage is not None
        assert (line["custom_id"], reply.usage.completion_tokens) == (f"c-{nth}", 20 + nth)
    [failure] = await lines_of(lab, done.error_file_id)
    assert (failure["custom_id"], failure["response"]["status_code"]) == ("too-long", 400)
    assert batch.id in [each.id async for each in lab.gpt.batches.list(limit=2)]


@OPENAI_CHECKS
async def a_batch_can_be_cancelled(lab: Lab) -> None:
    batches = lab.endless_gpt.batches
    batch = await created_batch(lab.endless_gpt, [batch_line("one", model=MODEL, messages=user("Hi"))])
    assert (await batches.cancel(batch.id)).status == "cancelling"
    done = await until_over(batches.retrieve, batch.id)
    assert (done.status, done.output_file_id) == ("cancelled", None)
    assert isinstance(await raised(batches.cancel(batch.id)), openai.ConflictError)


@OPENAI_CHECKS
async def models_are_listed_and_retrieved(lab: Lab) -> None:
    listed = {model.id: model.object async for model in lab.gpt.models.list()}
    assert listed[MODEL] == "model"
    assert (await lab.gpt.models.retrieve(f"{MODEL}-2024-08-06")).id == MODEL
    assert [model.id async for model in lab.llama.models.list()] == ["llama-3-70b"]
    assert isinstance(await raised(lab.gpt.models.retrieve("gpt-9")), openai.NotFoundError)


@OPENAI_CHECKS
async def raw_headers_name_the_request_as_the_ledger_does(lab: Lab) -> None:
    raw = await lab.gpt.chat.completions.with_raw_response.create(model=MODEL, messages=user("Hello"))
    [row] = await lab.rows()
    assert raw.headers["x-request-id"] == raw.request_id == row["request_id"]
    assert raw.headers["openai-version"] == "2020-10-01"
    assert raw.parse().choices
